#include "lab/load/generator.hpp"

#include <algorithm>
#include <cassert>

#include "lab/load/redirect.hpp"
#include "lab/load/span.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::load {
namespace {

// Before connecting again after a failure in the closed model, which would otherwise spin on a dead server.
constexpr duration reconnect_pause = std::chrono::milliseconds(100);
// After Ctrl-C nobody wants to wait for slow answers.
constexpr duration interrupted_drain = std::chrono::milliseconds(500);
// Arrivals that were never sent are charged one by one up to here, a tenth of a second of work; beyond, by slices of
// time.
constexpr std::uint64_t charged_singly = 2'000'000;
constexpr int charged_slices = 100'000;
// An answer is read at most so late, or a tick later. A connection is known to be free no sooner, but where somebody
// waits for one the pace timer is not armed, and nothing is held back.
constexpr duration most_held_back = std::chrono::milliseconds(1);
// What is read or sent in one go. Of more, the rest waits until the first of it has been read, or sent.
constexpr std::uint64_t most_bytes_held_back = 16 * 1024;

duration next_second(duration offset) {
  constexpr duration second = std::chrono::seconds(1);
  return offset - offset % second + second;
}

}  // namespace

// A connection's place in the pool; the connection in it comes and goes.
class generator::slot {
 public:
  std::unique_ptr<exchange_connection> on;
  instant idle_since{};
  instant free_since = lent_buffer::unknown;  // by the kernel's word, of the latest answer
  arrival taken;                              // what it is busy with, and its bytes
  std::string_view request;
  request_source::draft scratch;  // owns them until the answer
};

// Waits until an arrival is due for this connection. True with it in the slot, false when the run has ended.
class generator::work_awaiter : public list_node, public ready_node {
 public:
  work_awaiter(generator& from, arrival& into) : ready_node(&on_ready), from_(from), into_(into) {}

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiter) noexcept {
    const instant now = from_.on_.now();
    if (from_.take_due(now, into_)) return false;
    const bool over = from_.stopped_ || (from_.open_model() ? from_.next_intended() : now) >= from_.end_;
    if (over) return false;
    waiter_ = waiter;
    from_.idle_.push_back(*this);
    from_.arm_pace();
    return true;
  }
  bool await_resume() const { return into_.into != nullptr; }

  // Where to put what it is given.
  arrival& into() { return into_; }

 private:
  static void on_ready(ready_node& node) noexcept { static_cast<work_awaiter&>(node).waiter_.resume(); }

  generator& from_;
  arrival& into_;
  std::coroutine_handle<> waiter_;
};

generator::generator(loop& on, const workload& work, const generator_share& share, live_counters& live)
    : on_(on),
      work_(work),
      share_(share),
      live_(live),
      measured_(work, share.series, &stalls_, share.windows),
      schedule_({.law = work.arrivals,
                 .thread = share.thread,
                 .threads = work.threads,
                 .seed = work.seed,
                 .stages = work.stages,
                 .tick = work.tick}),
      pace_(this),
      drain_(this),
      cost_(on),
      stalls_(on, open_model()) {
  for (unsigned i = 0; i < share_of_connections(); ++i) slots_.push_back(std::make_unique<slot>());
}

generator::~generator() {
  on_.timers().disarm(pace_);
  on_.timers().disarm(drain_);
}

unsigned generator::share_of_connections() const {
  const unsigned all = work_.connections;
  return all / work_.threads + (share_.thread < all % work_.threads ? 1 : 0);
}

task<result<void>> generator::open_slot(slot& opened, instant limit) {
  const instant began = on_.now();
  const instant own_limit = saturating_add(began, work_.timeout);
  result<net::stream> stream = co_await net::connect(share_.address, std::min(limit, own_limit));
  if (!stream) co_return std::unexpected(stream.error());
  measured_.connects++;
  measured_.connect_time.record(nanoseconds(on_.now() - began));
  opened.on = std::make_unique<exchange_connection>(on_, std::move(*stream), work_.checks, &last_head_);
  opened.on->limit_requests(work_.per_connection);
  if (work_.follow > 0) opened.on->keep_location();
  if (open_model()) std::ignore = opened.on->stamp_answers();
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
bool generator::take_due(instant now, arrival& taken) {
  if (stopped_) return false;
  if (open_model()) {
    const instant next = next_intended();
    if (next > now || next >= end_) return false;
    take_next(taken);
    return true;
  }
  if (now >= end_) return false;
  taken = {.intended = now, .k = taken_++};
  taken.route = static_cast<unsigned>(work_.requests.route_of({share_.thread, taken.k}));
  measured_.offered(taken);
  return true;
}

void generator::take_next(arrival& taken) {
  taken = {.intended = next_intended(), .k = schedule_.index(), .stage = schedule_.stage_index()};
  taken.route = static_cast<unsigned>(work_.requests.route_of({share_.thread, taken.k}));
  measured_.offered(taken);
  schedule_.pop();
  due_++;
  live_.offered.store(due_, std::memory_order_relaxed);
  live_.next_due_ns.store(next_intended().time_since_epoch().count(), std::memory_order_relaxed);
}

// The pace timer: arrivals that have come due go to the connections that are idle, the longest idle first.
void generator::hand_out() {
  const instant now = on_.now();
  // What is due by now could have been sent when it was due: if there are fewer idle connections than that, it is
  // because this thread did not run, and the rest of the backlog is its fault too.
  if (!idle_.empty()) blind_until_ = now;
  while (!idle_.empty() && take_due(now, idle_.front().into())) on_.schedule(*idle_.pop_front());
  const bool over = stopped_ || next_intended() >= end_;
  while (over && !idle_.empty()) on_.schedule(*idle_.pop_front());
  if (!idle_.empty()) arm_pace();
}

// Called when a connection is idle: nothing is due then.
void generator::arm_pace() {
  stalls_.caught_up();
  if (pace_.armed()) return;
  const instant due = std::min(next_intended(), end_);
  on_.timers().arm(pace_, due);
  hold_back_until(due);
}

// Answers, if their times are known all the same and nothing else is to come of them.
void generator::hold_back_until(instant due) {
  const bool in_one_go = opening_ == 0 && largest_ <= most_bytes_held_back && work_.follow == 0;
  if (stamped_ && in_one_go && due - on_.turn_time() <= std::max(most_held_back, work_.tick))
    on_.backend().hold_back(due);
}

// Opens the slot's connection if it has none; false, and the arrival is accounted for, when that fails.
task<bool> generator::ensure_open(slot& driven, bool again) {
  if (driven.on != nullptr && driven.on->spoiled()) co_await close_slot(driven);
  if (driven.on != nullptr) co_return true;
  opening_++;
  on_.backend().hold_back(instant::min());  // who has armed the pace in this turn did not know
  const result<void> opened = co_await open_slot(driven);
  opening_--;
  if (opened) {
    driven.idle_since = on_.now();  // connecting is the server's time, not the generator's lateness
    co_return true;
  }
  const failure_kind kind = classify_opening(opened.error());
  const bool charged = kind == failure_kind::undrained || opened.error().code == errc::timed_out;
  measured_.not_sent(kind, driven.taken, on_.now(), charged, again);
  live_.errors.fetch_add(1, std::memory_order_relaxed);
  co_await pause_after_failure();
  co_return false;
}

task<void> generator::pause_after_failure() {
  if (!open_model()) std::ignore = co_await delay_for(reconnect_pause);
}

// When the answer came by the kernel's word, where that is known; else now.
instant generator::ended_at(const result<answer>& got, instant sent) const {
  return got && got->received_at != lent_buffer::unknown ? std::max(got->received_at, sent) : on_.now();
}

// Sends the request and accounts for what comes. True when it met a keep-alive connection that the server had closed
// meanwhile, and may be sent once more on a fresh one; its time goes on.
task<bool> generator::attempt(slot& driven, bool again) {
  const arrival& taken = driven.taken;
  const instant sent = on_.now();
  const request_source::route& route = work_.requests[taken.route];
  taken.into->departs(sent);
  if (!again) measured_.lags(taken, driven.idle_since, blind_until_, sent);
  const instant limit = saturating_add(sent, work_.timeout);
  const std::uint64_t received_before = driven.on->received_bytes();
  largest_ = std::max<std::uint64_t>(largest_, driven.request.size());
  if (driven.request.size() > most_bytes_held_back) on_.backend().hold_back(instant::min());
  result<answer> got = co_await driven.on->exchange(driven.request, route.verb, limit);
  largest_ = std::max(largest_, driven.on->received_bytes() - received_before);
  if (got && is_redirect(got->status) && work_.follow > 0) got = co_await follow(driven, *got, limit);
  const instant now = ended_at(got, sent);
  if (got) {
    stamped_ = got->received_at != lent_buffer::unknown;
    const bool expected = measured_.answered(taken, sent, now, *got, now <= end_);
    live_.answers.fetch_add(1, std::memory_order_relaxed);
    if (!expected) live_.errors.fetch_add(1, std::memory_order_relaxed);
    if (driven.on->reusable()) {
      if (stamped_) driven.free_since = now;
      co_return false;
    }
    co_await close_slot(driven);
    co_return false;
  }
  // Without a connection none could be opened for a redirect.
  const failure_kind kind = driven.on == nullptr ? classify_opening(got.error()) : classify(got.error());
  const bool stale = !again && route.may_resend && was_left(driven.on.get(), got.error());
  const bool charged = got.error().code == errc::timed_out || kind == failure_kind::undrained;
  if (stale) {
    taken.into->withdrawn(sent, now);
  } else {
    measured_.failed(kind, taken, sent, now, charged);
    live_.errors.fetch_add(1, std::memory_order_relaxed);
  }
  co_await close_slot(driven);
  if (!stale && !charged) co_await pause_after_failure();
  co_return stale;
}

// Goes after a redirect, in the time of the request that met it.
task<result<answer>> generator::follow(slot& driven, answer got, instant limit) {
  const arrival& taken = driven.taken;
  const request_source::route& route = work_.requests[taken.route];
  redirect_chain chain(driven.request, route.verb, work_.follow);
  while (chain.next(got, driven.on->location())) {
    taken.into->redirects++;
    const instant sent = on_.now();
    result<answer> hop = co_await follow_once(driven, chain, limit, false);
    if (!hop && chain.may_resend(route.may_resend) && was_left(driven.on.get(), hop.error())) {
      taken.into->resent++;
      hop = co_await follow_once(driven, chain, limit, true);
    }
    if (!hop) co_return hop;
    got = *hop;
    got.followed_at = sent;
  }
  co_return got;
}

// `afresh`: on a connection that has had no request.
task<result<answer>> generator::follow_once(slot& driven, const redirect_chain& chain, instant limit, bool afresh) {
  if (afresh || !driven.on->reusable() || driven.on->spoiled()) {
    co_await close_slot(driven);
    const result<void> opened = co_await open_slot(driven, limit);
    if (!opened) co_return std::unexpected(opened.error());
  }
  co_return co_await driven.on->exchange(chain.request(), chain.verb(), limit);
}

task<void> generator::close_slot(slot& closed) {
  if (closed.on == nullptr) co_return;
  measured_.received_bytes += closed.on->received_bytes();
  co_await closed.on->stop();
  closed.on.reset();
}

task<void> generator::drive(slot& driven) {
  while (true) {
    const instant free = std::exchange(driven.free_since, lent_buffer::unknown);
    driven.idle_since = free == lent_buffer::unknown ? on_.turn_time() : free;
    driven.taken.into = nullptr;
    if (!co_await work_awaiter(*this, driven.taken)) break;
    driven.taken.into->waits(driven.taken.intended, driven.idle_since, blind_until_);
    const arrival_number number{.thread = share_.thread, .k = driven.taken.k, .threads = work_.threads};
    driven.request = work_.requests.render(driven.taken.route, number, driven.scratch);
    bool again = false;
    do {
      const bool open = co_await ensure_open(driven, again);
      if (!open) break;
      again = co_await attempt(driven, again);
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
  stalls_.counts_until(end_);
  cost_.end();
  on_.timers().arm(drain_, std::min(drain_.deadline(), on_.now() + interrupted_drain));
  hand_out();
}

// What was due and never found a connection.
void generator::charge_unsent(instant now) {
  if (!open_model()) return;
  measured_.sending_reached(std::min(end_, next_intended()));
  std::uint64_t charged = 0;
  while (next_intended() < end_) {
    if (charged++ == charged_singly) {
      charge_in_slices(now);
      continue;  // of the last tick, if there are ticks, some may be left
    }
    arrival unsent;
    take_next(unsent);
    measured_.not_sent(failure_kind::unsent, unsent, now, true, false);
  }
}

// A week at a million a second to a server that answers nothing: each slice is charged with its middle, to the stage
// that all of it lies in.
void generator::charge_in_slices(instant now) {
  const duration slice = (end_ - next_intended()) / charged_slices + duration(1);
  instant end = instant::min();
  for (instant begin = next_intended(); begin < end_; begin = std::max(end, next_intended())) {
    end = slice_end(begin, slice);
    const arrival middle{.intended = begin + (end - begin) / 2, .stage = schedule_.stage_index()};
    const std::uint64_t count = schedule_.skip_until(end - start_);
    measured_.not_sent_many(failure_kind::unsent, middle, now, count);
    due_ += count;
  }
}

// Where seconds are kept a slice is a second, or what is left of the first; and it lies in one window and one stage.
instant generator::slice_end(instant begin, duration slice) const {
  const duration offset = begin - start_;
  const instant short_end = work_.keep_seconds ? start_ + next_second(offset) : begin + slice;
  const instant end = std::min({end_, short_end, start_ + schedule_.stage_end()});
  if (work_.windowed.empty()) return end;
  const duration each = work_.windowed.front().every;
  return std::min(end, start_ + (offset - offset % each + each));
}

task<void> generator::run(instant start) {
  start_ = start;
  measured_.begin(start);
  end_ = saturating_add(start, work_.length());
  std::ignore = co_await delay_until(start);
  if (stopped_) end_ = start;
  stalls_.counts_until(end_);
  scope driving(co_await this_context());
  running_ = &driving;
  cost_.begin(end_);
  on_.timers().arm(drain_, saturating_add(end_, work_.timeout));
  for (const std::unique_ptr<slot>& each : slots_) driving.spawn(drive(*each));
  std::ignore = co_await driving.join();  // failures are counted where they happen
  running_ = nullptr;
  cost_.end();
  on_.timers().disarm(drain_);
  on_.timers().disarm(pace_);
  charge_unsent(on_.now());
  measured_.finish(end_);
}

}  // namespace assay::load
