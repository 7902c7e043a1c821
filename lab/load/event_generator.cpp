#include "lab/load/event_generator.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include "lab/load/part_findings.hpp"
#include "lab/load/span.hpp"
#include "stack/http/client.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::load {
namespace {

// Before a stream is taken up again: what the server asks for, within these.
constexpr duration usual_pause = std::chrono::seconds(1);
constexpr duration shortest_pause = std::chrono::milliseconds(100);
constexpr duration longest_pause = std::chrono::seconds(30);

// "text/event-stream", alone or with parameters.
bool is_event_stream(const http::response_head& head) {
  const std::optional<std::string_view> type = head.headers.find("content-type");
  return type && http::equals_ignoring_case(type->substr(0, type->find_first_of("; \t")), "text/event-stream");
}

}  // namespace

event_generator::event_generator(loop& on, const stream_plan& plan, const socket_address& to, stream_counters& live)
    : on_(on), plan_(plan), to_(to), live_(live), ends_(this), gap_parts_(plan.options.length) {}

event_generator::~event_generator() { on_.timers().disarm(ends_); }

task<result<void>> event_generator::connect() {
  if (over_) co_return std::unexpected(error{.code = errc::cancelled, .what = "connect"});
  co_return result<void>{};
}

// --- one stream ---

std::string event_generator::request_of(const follower& by) const {
  const std::string& id = by.parser.last_event_id();
  const bool sendable = !id.empty() && http::valid_request({.headers = {{"Last-Event-ID", id}}});
  return plan_.request + (sendable ? "Last-Event-ID: " + id + "\r\n\r\n" : "\r\n");
}

task<result<void>> event_generator::read_head(listener& on, instant limit) {
  for (int interim = 0; interim <= http::max_interim_responses; ++interim) {
    const result<std::string_view> bytes = co_await on.reader.read_head(limit, duration::max());
    if (!bytes) co_return std::unexpected(bytes.error());
    http::response_head head;
    const auto parsed = http::parse_response_head(*bytes, http::method::get, {}, head);
    if (!parsed) co_return std::unexpected(http::protocol_error(parsed.error()));
    if (head.status >= 200) {
      if (head.status != 200) co_return std::unexpected(error{.code = errc::refused, .what = "not answered with 200"});
      if (!is_event_stream(head)) {
        co_return std::unexpected(error{.code = errc::protocol, .what = "not text/event-stream"});
      }
      on.reader.begin_body(head.body);
      co_return result<void>{};
    }
    if (head.status == 101) break;
    on.reader.begin_body({});
    on.reader.next_message();
  }
  co_return std::unexpected(
      error{.code = errc::protocol, .what = "upgrade not asked for, or too many interim answers"});
}

// `began`: when it was to be opened.
task<result<void>> event_generator::open(follower& by, instant began) {
  const instant limit = saturating_add(on_.now(), plan_.options.timeout);
  result<net::stream> stream = co_await net::connect(to_, limit);
  if (!stream) co_return std::unexpected(stream.error());
  const instant connected = on_.now();
  auto made = std::make_unique<listener>(std::move(*stream));
  const std::string request = request_of(by);
  const result<void> sent = co_await made->stream.send_all(request, limit);
  if (!sent) co_return std::unexpected(sent.error());
  const result<void> head = co_await read_head(*made, limit);
  if (!head) co_return std::unexpected(head.error());
  connect_time_.record(nanoseconds(connected - began));
  answer_time_.record(nanoseconds(on_.now() - connected));
  connects_++;
  if (std::exchange(by.was_open, true)) reconnects_++;
  by.on = std::move(made);
  by.parser.restart();
  by.has_event = false;
  by.last_at = on_.now();
  live_.open.store(++open_, std::memory_order_relaxed);
  co_return result<void>{};
}

task<error> event_generator::listen(follower& by) {
  while (true) {
    const result<std::string_view> piece = co_await by.on->reader.read_body(never);
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return error{.code = errc::closed, .what = "the event stream ended"};
    if (const std::optional<error> wrong = take(by, *piece)) co_return *wrong;
  }
}

std::optional<error> event_generator::take(follower& by, std::string_view piece) {
  while (!piece.empty()) {
    const auto next = by.parser.next(piece);
    if (!next) return error{.code = errc::protocol, .what = describe(next.error())};
    if (*next) on_event(by);
  }
  return std::nullopt;
}

void event_generator::on_event(follower& by) {
  const instant now = on_.now();
  receive_lag_.record(nanoseconds(now - on_.backlog_since()));
  events_++;
  live_.answers.store(events_, std::memory_order_relaxed);
  if (by.has_event) {
    gap_.record(nanoseconds(now - by.last_at));
    gap_parts_.record(now - start_, now - by.last_at);
  } else if (by.asked_at != instant{}) {
    first_event_.record(nanoseconds(now - std::exchange(by.asked_at, instant{})));
  }
  longest_silence_ = std::max(longest_silence_, now - by.last_at);
  by.has_event = true;
  by.last_at = now;
}

void event_generator::close(follower& by, const error& why) {
  // A silence that the end of the run cuts is as long as it was by then.
  longest_silence_ = std::max(longest_silence_, std::min(on_.now(), end_) - by.last_at);
  received_bytes_ += by.on->reader.received_bytes();
  by.on.reset();
  live_.open.store(--open_, std::memory_order_relaxed);
  if (!over_) count(why);
}

void event_generator::count(const error& why) { errors_[static_cast<std::size_t>(classify(why))]++; }

duration event_generator::pause_of(const follower& by) const {
  const std::optional<std::chrono::milliseconds> asked = by.parser.retry();
  if (!asked) return usual_pause;
  // In milliseconds: what the server says may be more than nanoseconds hold.
  if (*asked >= std::chrono::duration_cast<std::chrono::milliseconds>(longest_pause)) return longest_pause;
  return std::max<duration>(*asked, shortest_pause);
}

task<void> event_generator::follow(follower& by) {
  if (co_await delay_until(by.asked_at)) own_lag_.record(nanoseconds(on_.now() - by.asked_at));
  for (instant at = by.asked_at; !over_;) {
    const result<void> opened = co_await open(by, at);
    if (opened) {
      const error why = co_await listen(by);
      close(by, why);
    } else if (!over_) {
      errors_[static_cast<std::size_t>(classify_stream_opening(opened.error()))]++;
    }
    at = on_.now() + pause_of(by);
    if (!co_await delay_until(at)) break;
  }
}

// --- all of them ---

void event_generator::finish() {
  if (std::exchange(over_, true)) return;
  // Whoever has waited in vain has waited at least so long.
  const instant until = std::min(on_.now(), end_);
  for (const auto& each : followers_) {
    if (each->on && each->has_event) open_gap_.record(nanoseconds(until - each->last_at));
    if (each->asked_at == instant{} || each->asked_at >= until) continue;
    first_event_.record(nanoseconds(until - std::exchange(each->asked_at, instant{})));
  }
  open_at_end_ = open_;
  memory_at_end_ = anonymous_bytes();
  if (running_ != nullptr) running_->cancel(cancel_reason::shutdown);
}

void event_generator::stop() {
  end_ = std::min(end_, std::max(start_, on_.now()));
  on_.timers().disarm(ends_);
  finish();
}

task<void> event_generator::run(instant start) {
  start_ = start;
  end_ = over_ ? start : saturating_add(start, plan_.options.length);
  scope following(co_await this_context());
  running_ = &following;
  on_.timers().arm(ends_, end_);
  for (std::uint32_t i = 0; i < plan_.options.connections && !over_; ++i) {
    const double after_ns = static_cast<double>(i) / plan_.options.connects_per_s * 1e9;
    followers_.push_back(std::make_unique<follower>());
    follower& added = *followers_.back();
    added.index = i;
    added.asked_at = saturating_add(start, duration(static_cast<duration::rep>(after_ns)));
    following.spawn(follow(added));
  }
  std::ignore = co_await following.join();  // failures are counted where they happen
  running_ = nullptr;
  on_.timers().disarm(ends_);
}

// What the parts say of the gaps, from when every connection was to be open. An event comes to all streams at once, so
// their gaps are a bunch: of the tail counts how many gaps a stream had.
void event_generator::conclude(model::stream_result& into) const {
  const double opening_ns = plan_.options.connections / plan_.options.connects_per_s * 1e9;
  const stretch length{.planned = plan_.options.length,
                       .measured = into.duration,
                       .asked = plan_.options.gated_quantiles,
                       .bunches = gap_.count() / plan_.options.connections,
                       .even_from = duration(static_cast<duration::rep>(opening_ns))};
  if (2 * length.even_from > into.duration) {
    into.intervals.why_not = "connections were being opened for more than half of the run";
    return;
  }
  part_findings found = findings_of(gap_, gap_parts_, length);
  into.intervals = std::move(found.intervals);
  into.steady = std::move(found.steady);
}

void event_generator::write_to(model::stream_result& into) const {
  into.duration = end_ - start_;
  into.open_at_end = open_at_end_;
  into.connects = connects_;
  into.reconnects = reconnects_;
  into.connect_time = connect_time_;
  into.answer_time = answer_time_;
  into.events = events_;
  into.first_event = first_event_;
  into.gap = gap_;
  conclude(into);
  into.open_gap = open_gap_;
  into.longest_silence_ns = nanoseconds(longest_silence_);
  into.bytes_received = received_bytes_;
  into.generator.own_lag_p99_ns = own_lag_.value_at_quantile(0.99);
  into.generator.own_lag_max_ns = own_lag_.max();
  into.receive_lag_p99_ns = receive_lag_.value_at_quantile(0.99);
  into.generator.own_limits = errors_[static_cast<std::size_t>(failure_kind::own_limit)];
  into.lost_connections = counts_by_kind(errors_);
}

}  // namespace assay::load
