#include "stack/http/event_source.hpp"

#include <algorithm>
#include <cassert>

#include "stack/http/reader.hpp"
#include "stack/net/connect.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::http {
namespace {

// "text/event-stream", alone or with parameters.
bool is_event_stream(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find_first_of("; \t"));
  return equals_ignoring_case(type, "text/event-stream");
}

bool passes(int status) { return status == 429 || status >= 500; }

// Marks the source busy for as long as a next() runs, whichever way that ends.
class busy_mark {
 public:
  explicit busy_mark(bool& busy) : busy_(busy) {
    assert(!busy_ && "one next() at a time");
    busy_ = true;
  }
  ~busy_mark() { busy_ = false; }
  busy_mark(const busy_mark&) = delete;
  busy_mark& operator=(const busy_mark&) = delete;

 private:
  bool& busy_;
};

}  // namespace

struct event_source::connection {
  connection(net::stream opened, const parse_limits& limits)
      : stream(std::move(opened)), reader(stream, head_kind::response, limits) {}

  net::stream stream;
  message_reader reader;
  response_head head;
};

event_source::event_source(event_source_options options)
    : options_(std::move(options)),
      parser_(options_.limits, options_.last_event_id),
      last_event_id_(options_.last_event_id),
      random_(options_.seed ? *options_.seed : std::random_device{}()) {}

event_source::~event_source() { assert(!busy_ && "an event source was destroyed with a next() on it"); }

// Over for good.
result<void> event_source::end(error why) {
  over_ = why;
  return std::unexpected(why);
}

// Sets when to try again.
void event_source::pause_from(instant now) {
  duration pause = options_.retry;
  if (const std::optional<std::chrono::milliseconds> asked = parser_.retry()) {
    // In milliseconds: what the server says may be more than nanoseconds hold.
    const auto most = std::chrono::duration_cast<std::chrono::milliseconds>(options_.retry_max);
    pause = *asked < most ? duration(*asked) : options_.retry_max;
  }
  pause = std::max(pause, options_.retry_min);
  fruitless_++;
  for (unsigned doubled = 1; doubled < fruitless_ && pause < options_.retry_max; ++doubled) pause *= 2;
  pause = std::min(pause, options_.retry_max);
  pause = duration(std::uniform_int_distribution<duration::rep>(pause.count() / 2, pause.count())(random_));
  try_again_ = saturating_add(now, pause);
}

task<result<received_event>> event_source::next() {
  const busy_mark mark(busy_);
  const context& ctx = co_await this_context();
  while (true) {
    if (!ready_.empty()) {
      received_event first = std::move(ready_.front());
      ready_.pop_front();
      last_event_id_ = first.last_event_id;
      fruitless_ = 0;
      counters_.events++;
      co_return first;
    }
    if (over_) co_return std::unexpected(*over_);
    if (on_ == nullptr && ctx.on->turn_time() < try_again_) {
      const result<void> paused = co_await delay_until(try_again_);
      if (!paused) co_return std::unexpected(paused.error());
    }
    const bool connects = on_ == nullptr;
    const result<void> went_on = co_await (connects ? connect() : read_some());
    if (went_on) continue;
    const bool gave_up = ctx.cancel->cancelled() || ctx.deadline <= ctx.on->turn_time();
    if (gave_up && went_on.error().reason != cancel_reason::none) co_return std::unexpected(went_on.error());
    (connects ? counters_.failures : counters_.losses)++;
    on_.reset();
    pause_from(ctx.on->turn_time());
  }
}

// --- connecting ------------------------------------------------------------------------------------------------------

client_request event_source::request() const {
  client_request asked{.target = options_.target, .headers = options_.headers};
  asked.headers.emplace_back("Accept", "text/event-stream");
  asked.headers.emplace_back("Cache-Control", "no-cache");
  if (!last_event_id_.empty()) asked.headers.emplace_back("Last-Event-ID", last_event_id_);
  return asked;
}

task<result<void>> event_source::connect() {
  const context& ctx = co_await this_context();
  last_event_id_ = parser_.last_event_id();
  const client_request asked = request();
  if (!valid_request(asked)) {
    co_return end({.code = errc::invalid_argument, .what = "target, header field or last event id"});
  }
  std::string bytes;
  append_request(bytes, asked, options_.to.host);
  result<net::stream> opened = co_await net::connect_any(options_.to.address, options_.to.others,
                                                         saturating_add(ctx.on->turn_time(), options_.connect_timeout));
  if (!opened) co_return std::unexpected(opened.error());
  auto made = std::make_unique<connection>(std::move(*opened), options_.parse);
  const result<void> sent =
      co_await made->stream.send_all(bytes, saturating_add(ctx.on->turn_time(), options_.write_timeout));
  if (!sent) co_return std::unexpected(sent.error());
  const result<void> head = co_await read_head(*made);
  if (!head) co_return std::unexpected(head.error());
  made->reader.begin_body(made->head.body);
  counters_.connects++;
  on_ = std::move(made);
  // What the last connection left half done is dropped; its id and its retry stay.
  parser_.restart();
  co_return result<void>{};
}

task<result<void>> event_source::read_head(connection& on) {
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), options_.response_timeout);
  for (int interim = 0; interim <= max_interim_responses; ++interim) {
    const result<std::string_view> bytes = co_await on.reader.read_head(limit, duration::max());
    if (!bytes) co_return std::unexpected(bytes.error());
    const auto parsed = parse_response_head(*bytes, method::get, options_.parse, on.head);
    if (!parsed) co_return std::unexpected(protocol_error(parsed.error()));
    if (on.head.status >= 200) co_return judge(on.head);
    if (on.head.status == 101)
      co_return std::unexpected(error{.code = errc::protocol, .what = "upgrade not asked for"});
    on.reader.begin_body({});
    on.reader.next_message();
  }
  co_return std::unexpected(error{.code = errc::protocol, .what = "too many interim responses"});
}

// Whether a stream begins; what ends for good ends here.
result<void> event_source::judge(const response_head& head) {
  last_status_ = head.status;
  if (head.status == 204) return end({.code = errc::closed, .what = "no more events (204)"});
  if (passes(head.status)) return std::unexpected(error{.code = errc::protocol, .what = "429 or 5xx"});
  if (head.status != 200) return end({.code = errc::protocol, .what = "a status without events"});
  if (head.headers.count("content-type") != 1 || !is_event_stream(*head.headers.find("content-type"))) {
    return end({.code = errc::protocol, .what = "not text/event-stream"});
  }
  return {};
}

// --- events ----------------------------------------------------------------------------------------------------------

result<void> event_source::parse(std::string_view piece) {
  while (!piece.empty()) {
    auto next = parser_.next(piece);
    if (!next) return end({.code = errc::limit, .what = describe(next.error())});
    if (*next) ready_.push_back(std::move(**next));
  }
  return {};
}

// What comes next, all of it, so that the loop's buffer goes back before the caller works on an event.
task<result<void>> event_source::read_some() {
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), options_.silence_timeout);
  result<std::string_view> piece = co_await on_->reader.read_body(limit);
  while (true) {
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return std::unexpected(error{.code = errc::closed, .what = "the event stream ended"});
    const result<void> parsed = parse(*piece);
    if (!parsed) co_return parsed;
    std::optional<result<std::string_view>> more = on_->reader.buffered_body();
    if (!more) co_return result<void>{};
    piece = std::move(*more);
  }
}

}  // namespace assay::http
