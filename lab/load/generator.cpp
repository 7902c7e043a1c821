#include "lab/load/generator.hpp"

#include <algorithm>
#include <cassert>

#include "lab/load/exchange.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::load {
namespace {

// Before connecting again after a failure in the closed model, which would otherwise spin on a dead server.
constexpr duration reconnect_pause = std::chrono::milliseconds(100);
// After Ctrl-C nobody wants to wait for slow answers.
constexpr duration interrupted_drain = std::chrono::milliseconds(500);

}  // namespace

// A connection's place in the pool; the connection in it comes and goes.
class generator::slot {
 public:
  std::unique_ptr<exchange_connection> on;
  instant idle_since{};
};

// Waits until an arrival is due for this connection. Gives its intended instant, or nothing when the run has ended.
class generator::work_awaiter : public list_node, public ready_node {
 public:
  explicit work_awaiter(generator& from) : ready_node(&on_ready), from_(from) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    const instant now = from_.on_.now();
    if (from_.take_due(now, intended_)) return false;
    const bool over = from_.stopped_ || (from_.open_model() ? from_.next_intended() : now) >= from_.end_;
    if (over) return false;
    waiter_ = waiter;
    from_.idle_.push_back(*this);
    from_.arm_pace();
    return true;
  }
  std::optional<instant> await_resume() const {
    if (intended_ == never) return std::nullopt;
    return intended_;
  }

  void give(instant intended) { intended_ = intended; }

 private:
  static void on_ready(ready_node& node) noexcept { static_cast<work_awaiter&>(node).waiter_.resume(); }

  generator& from_;
  instant intended_ = never;
  std::coroutine_handle<> waiter_;
};

generator::generator(loop& on, const load_plan& plan, const generator_share& share, live_counters& live)
    : on_(on),
      plan_(plan),
      share_(share),
      live_(live),
      schedule_({.law = plan.options.arrivals,
                 .rate_per_s = plan.options.rate_per_s.value_or(1),
                 .thread = share.thread,
                 .threads = share.threads,
                 .seed = plan.options.seed}),
      pace_(this),
      drain_(this) {
  for (unsigned i = 0; i < share_of_connections(); ++i) slots_.push_back(std::make_unique<slot>());
}

generator::~generator() {
  on_.timers().disarm(pace_);
  on_.timers().disarm(drain_);
}

unsigned generator::share_of_connections() const {
  const unsigned all = plan_.options.connections;
  return all / share_.threads + (share_.thread < all % share_.threads ? 1 : 0);
}

task<result<void>> generator::open_slot(slot& opened) {
  const instant limit = saturating_add(on_.now(), plan_.options.timeout);
  result<net::stream> stream = co_await net::connect(share_.address, limit);
  if (!stream) co_return std::unexpected(stream.error());
  recorder_.connects++;
  opened.on = std::make_unique<exchange_connection>(on_, std::move(*stream));
  co_return result<void>{};
}

task<result<void>> generator::connect() {
  scope opening(co_await this_context());
  connecting_ = &opening;
  if (stopped_) opening.cancel(cancel_reason::user);
  for (const std::unique_ptr<slot>& each : slots_) opening.spawn(open_slot(*each));
  const result<void> opened = co_await opening.join();
  connecting_ = nullptr;
  if (opened && stopped_) co_return std::unexpected(error{.code = errc::cancelled, .what = "connect"});
  co_return opened;
}

// The next arrival, if it is due: every idle or freed connection asks here first, so none is overtaken.
bool generator::take_due(instant now, instant& intended) {
  if (!open_model()) {
    if (now >= end_ || stopped_) return false;
    intended = now;
    return true;
  }
  if (stopped_) return false;
  const instant next = next_intended();
  if (next > now || next >= end_) return false;
  intended = next;
  schedule_.pop();
  due_++;
  return true;
}

// The pace timer: arrivals that have come due go to the connections that are idle, the longest idle first.
void generator::hand_out() {
  const instant now = on_.now();
  // What is due by now could have been sent when it was due: if there are fewer idle connections than that, it is
  // because this thread did not run, and the rest of the backlog is its fault too.
  if (!idle_.empty()) blind_until_ = now;
  instant intended = never;
  while (!idle_.empty() && take_due(now, intended)) {
    work_awaiter& next = *idle_.pop_front();
    next.give(intended);
    on_.schedule(next);
  }
  const bool over = stopped_ || next_intended() >= end_;
  while (over && !idle_.empty()) on_.schedule(*idle_.pop_front());
  if (!idle_.empty()) arm_pace();
}

void generator::arm_pace() {
  if (!pace_.armed()) on_.timers().arm(pace_, std::min(next_intended(), end_));
}

// Opens the slot's connection if it has none; false, and the arrival is accounted for, when that fails.
task<bool> generator::ensure_open(slot& driven, instant intended) {
  if (driven.on != nullptr && driven.on->spoiled()) co_await close_slot(driven);
  if (driven.on != nullptr) co_return true;
  const result<void> opened = co_await open_slot(driven);
  if (opened) {
    driven.idle_since = on_.now();  // connecting is the server's time, not the generator's lateness
    co_return true;
  }
  const bool cut = opened.error().code == errc::cancelled;
  const bool charged = cut || opened.error().code == errc::timed_out;
  recorder_.not_sent(cut ? failure_kind::undrained : failure_kind::connect, intended, on_.now(), charged);
  live_.errors.fetch_add(1, std::memory_order_relaxed);
  co_await pause_after_failure();
  co_return false;
}

task<void> generator::pause_after_failure() {
  if (!open_model()) std::ignore = co_await delay_for(reconnect_pause);
}

// Sends the request and accounts for what comes. True when it met a keep-alive connection that the server had closed
// meanwhile, and may be sent once more on a fresh one; its time goes on.
task<bool> generator::attempt(slot& driven, instant intended, bool again) {
  const instant sent = on_.now();
  recorder_.departs(sent);
  if (!again) recorder_.lags(intended, driven.idle_since, blind_until_, sent);
  const instant limit = saturating_add(sent, plan_.options.timeout);
  const result<int> status = co_await driven.on->exchange(plan_.request, plan_.verb, limit);
  const instant now = on_.now();
  if (status) {
    recorder_.answered(intended, sent, now, *status, now <= end_);
    live_.answers.fetch_add(1, std::memory_order_relaxed);
    if (*status >= 400) live_.errors.fetch_add(1, std::memory_order_relaxed);
    if (driven.on->reusable()) co_return false;
    co_await close_slot(driven);
    co_return false;
  }
  const failure_kind kind = classify(status.error());
  const bool gone = status.error().code == errc::closed || status.error().code == errc::reset;
  const bool stale = gone && !again && plan_.may_resend && driven.on->was_stale();
  const bool charged = kind == failure_kind::timed_out || kind == failure_kind::undrained;
  if (stale) {
    recorder_.withdrawn(sent, now);
  } else {
    recorder_.failed(kind, intended, sent, now, charged);
    live_.errors.fetch_add(1, std::memory_order_relaxed);
  }
  co_await close_slot(driven);
  if (!stale && !charged) co_await pause_after_failure();
  co_return stale;
}

task<void> generator::close_slot(slot& closed) {
  if (closed.on == nullptr) co_return;
  recorder_.received_bytes += closed.on->received_bytes();
  co_await closed.on->stop();
  closed.on.reset();
}

task<void> generator::drive(slot& driven) {
  while (true) {
    driven.idle_since = on_.turn_time();
    const std::optional<instant> intended = co_await work_awaiter(*this);
    if (!intended) break;
    bool again = false;
    do {
      const bool open = co_await ensure_open(driven, *intended);
      if (!open) break;
      again = co_await attempt(driven, *intended, again);
    } while (again);
  }
  co_await close_slot(driven);
}

// Cuts what is still open when the drain has lasted long enough.
void generator::cut() {
  stopped_ = true;
  // Not cancel_reason::deadline: that would read as the request's own timeout.
  if (running_ != nullptr) running_->cancel(cancel_reason::shutdown);
}

void generator::stop() {
  if (std::exchange(stopped_, true)) return;
  if (connecting_ != nullptr) connecting_->cancel(cancel_reason::user);
  if (running_ == nullptr) return;
  end_ = std::min(end_, on_.now());
  on_.timers().arm(drain_, std::min(drain_.deadline(), on_.now() + interrupted_drain));
  hand_out();
}

// What was due and never found a connection.
void generator::charge_unsent(instant now) {
  if (!open_model()) return;
  while (next_intended() < end_) {
    recorder_.not_sent(failure_kind::unsent, next_intended(), now, true);
    schedule_.pop();
    due_++;
  }
}

task<void> generator::run(instant start) {
  start_ = start;
  end_ = saturating_add(start, plan_.options.length);
  std::ignore = co_await delay_until(start);
  if (stopped_) end_ = start;
  scope driving(co_await this_context());
  running_ = &driving;
  on_.timers().arm(drain_, saturating_add(end_, plan_.options.timeout));
  for (const std::unique_ptr<slot>& each : slots_) driving.spawn(drive(*each));
  std::ignore = co_await driving.join();  // failures are counted where they happen
  running_ = nullptr;
  on_.timers().disarm(drain_);
  on_.timers().disarm(pace_);
  charge_unsent(on_.now());
}

}  // namespace assay::load
