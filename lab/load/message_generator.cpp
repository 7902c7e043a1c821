#include "lab/load/message_generator.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "lab/load/counter_random.hpp"
#include "lab/load/run_windows.hpp"
#include "lab/load/span.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::load {
namespace {

// Between the loss of a connection and its next opening; half of it by chance, so that they do not come back at once.
constexpr duration reconnect_pause = std::chrono::seconds(1);
// For the servers' answers to our Close. Then they end the connections, and the ports that wait are theirs.
constexpr duration farewell = std::chrono::seconds(2);
// After Ctrl-C nobody wants to wait for slow answers.
constexpr duration interrupted_drain = std::chrono::milliseconds(500);
// A backlog must not keep what arrives waiting for longer than this many sends.
constexpr unsigned max_sends_a_turn = 64;

std::vector<stage> stages_of(const stream_options& options) {
  if (!options.stages.empty()) return options.stages;
  return {{.rate_per_s = options.rate_per_s.value_or(0), .length = options.length}};
}

std::vector<interval_series*> intervals_of(const message_target& target) {
  std::vector<interval_series*> told;
  if (target.series != nullptr) told.push_back(target.series);
  if (target.windows != nullptr) told.push_back(target.windows);
  return told;
}

task<bool> wait_until(instant at) { co_return (co_await delay_until(at)).has_value(); }

}  // namespace

message_generator::message_generator(loop& on, const stream_plan& plan, const message_target& target,
                                     stream_counters& live)
    : on_(on),
      plan_(plan),
      target_(target),
      live_(live),
      text_(plan.options.message, target.run),
      stalls_(on, true),
      stages_(stages_of(plan.options)),
      parts_(sends() ? parts_of(stages_) : std::vector<std::unique_ptr<run_parts>>()),
      ledger_({.connections = plan.options.connections,
               .stages = plan.options.stages.size(),
               .timeout = plan.options.timeout,
               .broadcast = plan.kind == model::stream_kind::broadcast,
               .intervals = intervals_of(target),
               .watch = &stalls_,
               .parts = parts_}),
      schedule_({.law = plan.options.arrivals,
                 .rate_per_s = plan.options.rate_per_s.value_or(1),
                 .seed = plan.options.seed,
                 .stages = plan.options.stages,
                 .tick = plan.options.tick}),
      members_(plan.options.connections),
      order_(plan.options.connections),
      absent_(bits_for(plan.options.connections)),
      pace_(this),
      expiry_(this),
      farewell_(this) {
  if (sends()) realised_.emplace(arrivals_of(stages_), plan.options.length, plan.options.tick);
  for (std::uint32_t i = 0; i < members_.size(); ++i) {
    members_[i].index = i;
    set_bit(absent_, i);
  }
  shuffle();
}

message_generator::~message_generator() { disarm_timers(); }

void message_generator::disarm_timers() {
  for (timer_node* each :
       {static_cast<timer_node*>(&pace_), static_cast<timer_node*>(&expiry_), static_cast<timer_node*>(&farewell_)}) {
    on_.timers().disarm(*each);
  }
}

// Fisher and Yates.
void message_generator::shuffle() {
  std::iota(order_.begin(), order_.end(), 0U);
  draw_stream random(mix(plan_.options.seed));
  for (std::size_t left = order_.size(); left > 1; --left) std::swap(order_[left - 1], order_[random.below(left)]);
}

// --- connections ---

// `began`: when it was to be opened.
task<result<void>> message_generator::open(member& opened, instant began) {
  const instant limit = saturating_add(on_.now(), plan_.options.timeout);
  result<net::stream> stream = co_await net::connect(target_.to, limit);
  if (!stream) co_return std::unexpected(stream.error());
  const instant connected = on_.now();
  auto made = std::make_unique<message_connection>(on_, std::move(*stream));
  const result<void> shaken = co_await made->shake_hands(plan_.request, plan_.protocols, limit);
  if (!shaken) {
    co_await made->stop();
    co_return shaken;
  }
  connect_time_.record(nanoseconds(connected - began));
  answer_time_.record(nanoseconds(on_.now() - connected));
  connects_++;
  if (std::exchange(opened.was_open, true)) reconnects_++;
  opened.expires = lifetime_from(on_.now(), opened);
  opened.on = std::move(made);
  clear_bit(absent_, opened.index);
  live_.open.store(++open_, std::memory_order_relaxed);
  co_return result<void>{};
}

task<void> message_generator::open_first(member& opened, instant began, error* failure) {
  const result<void> outcome = co_await open(opened, began);
  if (outcome) {
    // From now on somebody reads: the others may take longer to connect than the server waits for a pong.
    opened.is_driven = driving_->spawn(drive(opened));
    co_return;
  }
  if (outcome.error().code == errc::cancelled) co_return;
  *failure = outcome.error();
  count_unopened(outcome.error());
}

task<void> message_generator::reopen(member& closed, instant at) {
  const result<void> outcome = co_await open(closed, at);
  if (!outcome && outcome.error().code != errc::cancelled) count_unopened(outcome.error());
}

void message_generator::count_unopened(const error& why) {
  connection_errors_[static_cast<std::size_t>(classify_stream_opening(why))]++;
}

instant message_generator::lifetime_from(instant opened, const member& of) const {
  if (plan_.options.lifetime == duration::zero()) return never;
  const double chance = uniform(mix(plan_.options.seed ^ mix(of.index * 6151ULL + of.renewals)));
  const double mean_ns = static_cast<double>(plan_.options.lifetime.count());
  return saturating_add(opened, duration(static_cast<duration::rep>(-mean_ns * std::log1p(-chance))));
}

// In good order: the server has so long to answer our Close and to end the connection.
task<error> message_generator::renew(member& on) {
  on.renewals++;
  on.on->say_close();
  const instant limit = saturating_add(on_.now(), farewell);
  while (on_.now() < limit) {  // a server that sends without end leaves nothing to wait for
    const result<net::chunk> some = co_await on.on->stream().recv(limit);
    if (!some || some->empty()) break;
    received_bytes_ += some->bytes().size();
  }
  co_return error{.code = errc::cancelled, .what = "the end of its lifetime"};
}

// At their own pace, each at its instant: a server that accepts slowly shows in the times, not in the pace.
task<result<void>> message_generator::connect() {
  driving_.emplace(co_await this_context());
  scope opening(co_await this_context());
  connecting_ = &opening;
  error failure{.code = errc::cancelled, .what = "connect"};
  const instant begin = on_.now();
  for (member& each : members_) {
    const double after_ns = static_cast<double>(each.index) / plan_.options.connects_per_s * 1e9;
    const instant at = saturating_add(begin, duration(static_cast<duration::rep>(after_ns)));
    if (at > on_.now() && !co_await with_context(opening.child_context(), wait_until(at))) break;
    if (stopped_) break;
    opening.spawn(open_first(each, at, &failure));
  }
  if (stopped_) opening.cancel(cancel_reason::user);
  std::ignore = co_await opening.join();  // failures are counted where they happen
  connecting_ = nullptr;
  if (connects_ > 0 && !stopped_) co_return result<void>{};
  leaving_ = true;
  driving_->cancel(cancel_reason::user);
  std::ignore = co_await driving_->join();
  // Whoever has connected is let go without ado.
  for (member& each : members_) {
    if (each.on == nullptr) continue;
    co_await each.on->stop();
    each.on.reset();
    live_.open.store(--open_, std::memory_order_relaxed);
  }
  if (stopped_) failure = {.code = errc::cancelled, .what = "connect"};
  co_return std::unexpected(failure);
}

task<void> message_generator::drive(member& driven) {
  for (std::uint64_t attempt = 0; !leaving_; ++attempt) {
    if (driven.on != nullptr) {
      const std::uint64_t renewed = driven.renewals;
      const error why = co_await listen(driven);
      const bool renews = driven.renewals != renewed;
      if (renews) renewing_++;
      co_await close(driven, why);
      if (renews && !leaving_) {
        driven.was_open = false;  // it was not lost
        co_await reopen(driven, on_.now());
      }
      if (renews) renewing_--;
      continue;
    }
    const double chance = uniform(mix(plan_.options.seed ^ mix(driven.index * 4099ULL + attempt)));
    const auto pause =
        duration(static_cast<duration::rep>(static_cast<double>(reconnect_pause.count()) * (0.5 + 0.5 * chance)));
    const instant at = on_.now() + pause;
    if (!co_await delay_until(at) || leaving_) break;
    co_await reopen(driven, at);
  }
  if (driven.on != nullptr) co_await close(driven, {.code = errc::cancelled, .what = "closing"});
}

task<error> message_generator::listen(member& on) {
  const std::string early = on.on->take_early();
  bool goes_on = early.empty() || take(on, early);
  while (goes_on) {
    const result<net::chunk> some = co_await on.on->stream().recv(on.expires);
    const bool expired = !some && some.error().code == errc::timed_out && on_.now() >= on.expires;
    if (expired && !leaving_) co_return co_await renew(on);
    if (!some) co_return some.error();
    if (some->empty()) co_return error{.code = errc::closed, .what = "receive"};
    goes_on = take(on, some->bytes());
    if (goes_on && !leaving_ && on_.now() >= on.expires) co_return co_await renew(on);
  }
  const error why = *on.on->ended();
  // RFC 6455 section 7.1.1: the server ends the connection below, so that the port that waits is not ours.
  while (leaving_) {
    const result<net::chunk> dropped = co_await on.on->stream().recv();
    if (!dropped || dropped->empty()) break;
  }
  co_return why;
}

task<void> message_generator::close(member& closed, error why) {
  const bool by_us = leaving_ || why.code == errc::cancelled;
  const std::unique_ptr<message_connection> gone = std::move(closed.on);
  set_bit(absent_, closed.index);
  live_.open.store(--open_, std::memory_order_relaxed);
  if (!by_us) {
    const failure_kind kind = classify(why);
    ledger_.lost(closed.index, kind, on_.now());
    connection_errors_[static_cast<std::size_t>(kind)]++;
    publish();
  }
  co_await gone->stop();
  if (leaving_ && open_ == 0) cut();
  leave_when_drained();
}

// --- messages ---

// False when the connection is over.
bool message_generator::take(member& from, std::string_view bytes) {
  received_bytes_ += bytes.size();
  while (!bytes.empty() && !from.on->ended()) {
    if (const std::optional<std::string> payload = from.on->next(bytes)) on_message(from, *payload);
  }
  return !from.on->ended();
}

void message_generator::on_message(const member& from, std::string_view payload) {
  const std::optional<std::uint64_t> number = text_.number_in(payload);
  if (!number) return ledger_.unrelated();
  const instant now = on_.now();
  if (ledger_.arrived(*number, from.index, now) != message_ledger::arrival::received) return;
  receive_lag_.record(nanoseconds(now - on_.backlog_since()));
  live_.answers.store(ledger_.received(), std::memory_order_relaxed);
  if (sending_over_) leave_when_drained();
}

void message_generator::send_next(instant now) {
  const message_due due{.intended = next_intended(), .stage = schedule_.stage_index()};
  member& on = members_[order_[schedule_.index() % order_.size()]];
  realised_->sent(schedule_.index(), due.intended - start_, now - due.intended);
  schedule_.pop();
  if (on.on == nullptr) return ledger_.without_connection(due);
  if (!ledger_.has_room(due)) {
    own_limits_++;
    return;
  }
  if (on.on->send(text_.render(ledger_.next_number()))) {
    ledger_.sent(due, now, on.index, absent_);
  } else {
    ledger_.held(due, now, on.index);
  }
  arm_expiry();
}

void message_generator::publish() {
  live_.offered.store(ledger_.offered(), std::memory_order_relaxed);
  live_.sent.store(ledger_.sent(), std::memory_order_relaxed);
  live_.errors.store(ledger_.failed(), std::memory_order_relaxed);
}

void message_generator::on_pace() {
  for (unsigned sends = 0; sends < max_sends_a_turn; ++sends) {
    const instant now = on_.now();
    const instant next = next_intended();
    if (stopped_ || next >= end_ || next > now) break;
    send_next(now);
  }
  publish();
  if (next_intended() > on_.now()) stalls_.caught_up();
  if (stopped_ || (next_intended() >= end_ && on_.now() >= end_)) return end_sending();
  arm_pace();
}

void message_generator::arm_pace() {
  if (pace_.armed()) return;
  pace_armed_at_ = on_.now();
  on_.timers().arm(pace_, std::min(next_intended(), end_));
}

void message_generator::arm_expiry() {
  if (!expiry_.armed() && ledger_.next_expiry() != never) on_.timers().arm(expiry_, ledger_.next_expiry());
}

void message_generator::on_expiry() {
  ledger_.expire(on_.now());
  publish();
  arm_expiry();
  leave_when_drained();
}

// --- the end ---

void message_generator::end_sending() {
  if (std::exchange(sending_over_, true)) return;
  if (realised_) realised_->reached(std::min(end_, next_intended()) - start_);
  ledger_.finish();
  open_at_end_ = open_ + renewing_;
  memory_at_end_ = anonymous_bytes();
  leave_when_drained();
}

// Once nothing is on its way any more, or has been for long enough: see stop().
void message_generator::leave_when_drained() {
  if (!sending_over_ || leaving_ || !ledger_.empty()) return;
  leaving_ = true;
  stalls_.end();  // what so many closings take holds no message up
  on_.timers().disarm(farewell_);
  if (open_ == 0) return cut();
  for (member& each : members_) {
    if (each.on != nullptr) each.on->say_close();
  }
  on_.timers().arm(farewell_, saturating_add(on_.now(), farewell));
}

// What is still on its way, or still open, will not be waited for.
void message_generator::cut() {
  leaving_ = true;
  stalls_.end();
  ledger_.close(on_.now());
  publish();
  if (running_ != nullptr) running_->cancel(cancel_reason::shutdown);
}

void message_generator::stop() {
  if (std::exchange(stopped_, true)) return;
  if (connecting_ != nullptr) connecting_->cancel(cancel_reason::user);
  if (running_ == nullptr) return;
  if (!sending_over_) end_ = std::min(end_, on_.now());
  ledger_.sending_ends(end_);
  on_.timers().disarm(pace_);
  end_sending();
  if (!leaving_) on_.timers().arm(farewell_, saturating_add(on_.now(), interrupted_drain));
}

task<void> message_generator::run(instant start) {
  start_ = start;
  end_ = saturating_add(start, plan_.options.length);
  ledger_.begin(start);
  if (sends()) stalls_.begin();
  ledger_.sending_ends(end_);
  for (member& each : members_) {
    if (!each.is_driven) each.is_driven = driving_->spawn(drive(each));
  }
  std::ignore = co_await delay_until(start);
  if (stopped_) end_ = start;
  running_ = &*driving_;
  if (stopped_) {
    end_sending();
  } else {
    arm_pace();
  }
  std::ignore = co_await driving_->join();  // failures are counted where they happen
  running_ = nullptr;
  stalls_.end();
  disarm_timers();
}

}  // namespace assay::load
