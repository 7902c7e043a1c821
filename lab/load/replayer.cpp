#include "lab/load/replayer.hpp"

#include <algorithm>

#include "lab/load/span.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::load {
namespace {

// After Ctrl-C nobody wants to wait for slow answers.
constexpr duration interrupted_drain = std::chrono::milliseconds(500);
// What sending costs is told of no less than this, or of the whole replay: of a recording of a few milliseconds it
// would be a thread that was busy all the time.
constexpr duration least_cost_length = std::chrono::seconds(1);
// Requests that get their turn before the loop looks at sockets again: a burst may not starve the answers.
constexpr int most_at_once = 256;

// A log has no If-None-Match: what was "not modified" then is an ordinary answer now.
int class_of(int status) { return status == 304 ? 2 : status / 100; }

bool is_as_recorded(int recorded, int replayed) {
  return recorded == 0 ? replayed < 400 : class_of(recorded) == class_of(replayed);
}

}  // namespace

struct replayer::client : list_node {
  std::unique_ptr<exchange_connection> on;
  permit slot;                                 // the right to a connection
  std::uint32_t next = planned_request::none;  // the first that has not been taken
  std::uint32_t due = 0;                       // so many from there on have had their turn
  bool busy = false;                           // driven, or waiting for a driver's first step
  instant free_since{};                        // when the answer to the last one came, or it failed
  instant held_until{};                        // until then there was no connection for it
};

// A request on its way, and when what could happen to it did.
struct replayer::turn {
  std::uint32_t place = 0;
  instant intended{};
  instant could_send{};  // its turn had come, and its client was free
  duration noticed_late{};
  duration client_lag{};
  duration connecting{};
  int recorded = 0;  // status
};

replayer::replayer(loop& on, const replay_plan& plan, const socket_address& address, live_counters& live)
    : on_(on),
      plan_(plan),
      address_(address),
      live_(live),
      slots_(plan.options.connections, plan.sends.size()),
      clients_(plan.recording.clients()),
      noticed_(plan.sends.size()),
      drain_(this),
      cost_(on) {
  for (std::size_t place = plan.sends.size(); place-- > 0;) {
    clients_[plan.sends[place].client].next = static_cast<std::uint32_t>(place);
  }
}

replayer::~replayer() { on_.timers().disarm(drain_); }

task<result<void>> replayer::open(client& opened) {
  const instant limit = saturating_add(on_.now(), plan_.options.timeout);
  result<net::stream> stream = co_await net::connect(address_, limit);
  if (!stream) co_return std::unexpected(stream.error());
  measured_.all.connects++;
  opened.on = std::make_unique<exchange_connection>(on_, std::move(*stream), no_checks_);
  co_return result<void>{};
}

task<result<void>> replayer::connect() {
  if (stopped_) co_return std::unexpected(error{.code = errc::cancelled, .what = "connect"});
  client& first = clients_[plan_.sends.front().client];
  first.slot = slots_.try_acquire();
  scope opening(co_await this_context());
  connecting_ = &opening;
  opening.spawn(open(first));
  const result<void> opened = co_await opening.join();
  connecting_ = nullptr;
  if (opened && stopped_) {
    co_await close(first);
    first.slot = permit();
    co_return std::unexpected(error{.code = errc::cancelled, .what = "connect"});
  }
  if (!opened) first.slot = permit();
  co_return opened;
}

// --- the schedule ---

// Every request gets its turn when it is due, whatever its client does.
task<void> replayer::pace() {
  const std::vector<planned_request>& sends = plan_.sends;
  while (next_ < sends.size() && !stopped_) {
    const instant due = start_ + sends[next_].due;
    live_.next_due_ns.store(due.time_since_epoch().count(), std::memory_order_relaxed);
    // It may have been cut in the turn in which the wait ended.
    if (due > on_.now() && (!co_await delay_until(due) || stopped_)) co_return;
    const instant now = on_.now();
    int handed = 0;
    while (next_ < sends.size() && start_ + sends[next_].due <= now && handed++ < most_at_once) hand_out(next_++, now);
    live_.offered.store(next_, std::memory_order_relaxed);
    if (handed > most_at_once) co_await yield();
  }
}

void replayer::hand_out(std::uint32_t place, instant now) {
  const planned_request& which = plan_.sends[place];
  noticed_[place] = now - (start_ + which.due);
  measured_.all.offered++;
  client& asks = clients_[which.client];
  asks.due++;
  if (std::exchange(asks.busy, true)) return;
  if (asks.linked()) asks.unlink();
  driving_->spawn(drive(asks));
}

replayer::turn replayer::take_next(client& from) {
  const std::uint32_t place = from.next;
  const planned_request& which = plan_.sends[place];
  from.next = which.next;
  from.due--;
  turn taken{.place = place, .intended = start_ + which.due, .noticed_late = noticed_[place]};
  const instant noticed = taken.intended + taken.noticed_late;
  // What it waited with the one before it for a connection is the replay's own.
  taken.client_lag = std::max(duration::zero(), from.free_since - std::max(noticed, from.held_until));
  taken.could_send = noticed + taken.client_lag;
  taken.recorded = plan_.recording[which.index].status;
  return taken;
}

// --- a client ---

task<void> replayer::drive(client& driven) {
  std::string bytes;
  while (true) {
    while (driven.due > 0 && !cut_) {
      turn taken = take_next(driven);
      bool again = false;
      do {
        if (!co_await ensure_open(driven, taken)) break;
        if (!again) plan_.rules.render(plan_.recording[plan_.sends[taken.place].index], bytes);
        again = co_await attempt(driven, taken, bytes, again);
      } while (again);
      driven.free_since = on_.now();
    }
    // Nobody waits for a connection while another is idle, and who has sent all has no use for one.
    const bool gives_up = driven.next == planned_request::none || slots_.waiters() > 0;
    if (driven.on == nullptr || !gives_up) break;
    co_await close(driven);
    driven.slot = permit();  // who waits for it comes first, whatever has come for this client meanwhile
  }
  if (driven.on == nullptr) driven.slot = permit();
  driven.busy = false;
  if (driven.on != nullptr) idle_.push_back(driven);
}

// The right to open a connection: a free one, that of the client which has been idle longest, or the next to come free.
task<bool> replayer::take_slot(client& asking) {
  if (asking.slot) co_return true;
  asking.slot = slots_.try_acquire();
  if (asking.slot) co_return true;
  if (client* idlest = idle_.pop_front()) {
    measured_.evicted++;
    asking.slot = std::move(idlest->slot);
    const std::unique_ptr<exchange_connection> closing = std::move(idlest->on);
    measured_.all.received_bytes += closing->received_bytes();
    co_await closing->stop();
    co_return true;
  }
  measured_.waited++;
  result<permit> granted = co_await slots_.acquire();
  if (!granted) co_return false;
  asking.held_until = on_.now();
  asking.slot = std::move(*granted);
  co_return true;
}

// Opens the client's connection if it has none; false, and the request is accounted for, when that fails.
task<bool> replayer::ensure_open(client& driven, turn& taken) {
  if (driven.on != nullptr && driven.on->spoiled()) co_await close(driven);
  if (driven.on != nullptr) co_return true;
  if (!co_await take_slot(driven)) {
    measured_.all.own_lag.record(nanoseconds(taken.noticed_late + (on_.now() - taken.could_send)));
    measured_.all.not_sent(failure_kind::unsent, taken.intended, on_.now(), true);
    count_unanswered(taken);
    co_return false;
  }
  const instant begun = on_.now();
  const result<void> opened = co_await open(driven);
  const instant now = on_.now();
  taken.connecting += now - begun;
  if (opened) co_return true;
  const failure_kind kind = classify_opening(opened.error());
  const bool charged = kind == failure_kind::undrained || opened.error().code == errc::timed_out;
  measured_.all.not_sent(kind, taken.intended, now, charged);
  count_unanswered(taken);
  co_return false;
}

// Sends the request and accounts for what comes. True when it met a kept-alive connection that the server had closed
// meanwhile, and may be sent once more on a fresh one; its time goes on.
task<bool> replayer::attempt(client& driven, const turn& taken, const std::string& bytes, bool again) {
  const planned_request& which = plan_.sends[taken.place];
  const instant sent = on_.now();
  measured_.all.departs(sent);
  if (!again) count_lags(taken, sent);
  const instant limit = saturating_add(sent, plan_.options.timeout);
  const result<answer> got = co_await driven.on->exchange(bytes, which.verb, limit);
  const instant now = on_.now();
  if (got) {
    count_answer(taken, sent, now, *got);
    if (!driven.on->reusable()) co_await close(driven);
    co_return false;
  }
  const failure_kind kind = classify(got.error());
  const bool stale = !again && which.may_resend && was_left(driven.on.get(), got.error());
  if (stale) {
    measured_.all.withdrawn(sent, now);
  } else {
    const bool charged = kind == failure_kind::timed_out || kind == failure_kind::undrained;
    measured_.all.failed(kind, taken.intended, sent, now, charged);
    count_unanswered(taken);
  }
  co_await close(driven);
  co_return stale;
}

task<void> replayer::close(client& closed) {
  measured_.all.received_bytes += closed.on->received_bytes();
  co_await closed.on->stop();
  closed.on.reset();
}

// --- what is counted ---

void replayer::count_lags(const turn& taken, instant sent) {
  measured_.sent++;
  measured_.client_lag.record(nanoseconds(taken.client_lag));
  measured_.all.latency.send_lag.record(nanoseconds(sent - taken.intended));
  measured_.all.own_lag.record(nanoseconds(taken.noticed_late + (sent - taken.could_send) - taken.connecting));
}

void replayer::count_answer(const turn& taken, instant sent, instant now, const answer& got) {
  const bool as_recorded = is_as_recorded(taken.recorded, got.status);
  measured_.as_recorded += as_recorded;
  measured_.statuses[{taken.recorded, got.status}]++;
  measured_.all.answered(taken.intended, sent, now,
                         {.status = got.status,
                          .error = as_recorded ? std::nullopt : std::optional(classify_status(got.status)),
                          .within_run = now <= last_due(),
                          .in_time = now - taken.intended <= plan_.options.timeout});
  live_.answers.fetch_add(1, std::memory_order_relaxed);
  if (!as_recorded) live_.errors.fetch_add(1, std::memory_order_relaxed);
}

void replayer::count_unanswered(const turn& taken) {
  measured_.statuses[{taken.recorded, 0}]++;
  live_.errors.fetch_add(1, std::memory_order_relaxed);
}

// What had its turn, and whose client never came to it.
void replayer::charge_unsent(instant now) {
  for (client& each : clients_) {
    while (each.due > 0) {
      const turn unsent = take_next(each);
      measured_.all.not_sent(failure_kind::unsent, unsent.intended, now, true);
      count_unanswered(unsent);
    }
  }
  measured_.not_reached = plan_.sends.size() - next_;
}

// --- the end ---

void replayer::cut() {
  cut_ = stopped_ = true;
  // Not cancel_reason::deadline: that would read as the request's own timeout.
  if (driving_ != nullptr) driving_->cancel(cancel_reason::shutdown);
}

void replayer::stop() {
  if (std::exchange(stopped_, true)) return;
  if (connecting_ != nullptr) connecting_->cancel(cancel_reason::user);
  if (driving_ == nullptr) return;
  const instant now = on_.now();
  end_ = std::min(end_, now);
  cost_.end();
  if (pacing_ != nullptr) pacing_->cancel(cancel_reason::user);
  on_.timers().arm(drain_, std::min(drain_.deadline(), now + interrupted_drain));
}

task<void> replayer::close_idle() {
  while (client* each = idle_.pop_front()) {
    co_await close(*each);
    each->slot = permit();
  }
  // That of connect(), when its client never had its turn.
  client& first = clients_[plan_.sends.front().client];
  if (first.on != nullptr) co_await close(first);
  first.slot = permit();
}

task<void> replayer::run(instant start) {
  start_ = start;
  end_ = last_due();
  std::ignore = co_await delay_until(start);
  if (stopped_) end_ = start;
  scope driving(co_await this_context());
  driving_ = &driving;
  scope pacing(co_await this_context());
  pacing_ = &pacing;
  cost_.begin(std::max(end_, start + least_cost_length));
  on_.timers().arm(drain_, saturating_add(last_due(), plan_.options.timeout));
  pacing.spawn(pace());
  std::ignore = co_await pacing.join();
  pacing_ = nullptr;
  std::ignore = co_await driving.join();  // failures are counted where they happen
  driving_ = nullptr;
  cost_.end();
  on_.timers().disarm(drain_);
  charge_unsent(on_.now());
  co_await close_idle();
}

}  // namespace assay::load
