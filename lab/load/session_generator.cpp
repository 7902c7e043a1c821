#include "lab/load/session_generator.hpp"

#include <algorithm>
#include <chrono>
#include <tuple>
#include <utility>

#include "lab/load/session_state.hpp"
#include "lab/load/span.hpp"
#include "lab/load/think_draw.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::load {
namespace {

// Sessions that are started before others get a turn.
constexpr int most_at_once = 64;
// Set the numbers of sessions apart from those of schedules and requests, which come from the same seed.
constexpr std::uint64_t value_salt = 0x73657373696f6eULL;
constexpr std::uint64_t think_salt = 0x7468696e6bULL;

// So far steps may be expected: not at all where neither seconds nor windows are kept.
std::size_t seconds_expected(const session_plan& plan, const second_series* series, const run_windows* windows) {
  const bool any = series != nullptr || (windows != nullptr && windows->any());
  return any ? second_of(plan.work.length()) + 1 : 0;
}

}  // namespace

session_generator::session_generator(loop& on, const session_plan& plan, const socket_address& to, live_counters& live,
                                     second_series* series, run_windows* windows)
    : on_(on),
      plan_(plan),
      to_(to),
      live_(live),
      measured_(plan.work, series, &stalls_, windows),
      coming_(seconds_expected(plan, series, windows)),
      places_(plan.work.connections, 1),
      drain_(this),
      cost_(on),
      stalls_(on) {
  for (std::size_t i = 0; i < plan.scenarios.size(); ++i) {
    const session_scenario& each = plan.scenarios[i];
    // A seed of its own: two scenarios of one rate are two groups of people.
    schedules_.emplace_back(schedule_options{
        .law = each.arrivals, .seed = i == 0 ? plan.work.seed : mix(plan.work.seed + i), .stages = each.stages});
    sessions_.push_back({.name = each.name, .offered_per_s = each.rate_per_s, .arrivals = each.arrivals});
    realised_.emplace_back(arrivals_of(each.stages), plan.work.length());
  }
}

session_generator::~session_generator() { on_.timers().disarm(drain_); }

// --- the schedule ---

std::size_t session_generator::earliest() const {
  std::size_t first = 0;
  for (std::size_t i = 1; i < schedules_.size(); ++i) {
    if (schedules_[i].peek() < schedules_[first].peek()) first = i;
  }
  return first;
}

unsigned session_generator::stage_at(instant intended) const {
  const std::vector<stage>& stages = plan_.work.stages;
  unsigned index = 0;
  for (instant end = start_ + stages[0].length; index + 1 < stages.size() && intended >= end;
       end += stages[index].length)
    index++;
  return index;
}

session_generator::arrived session_generator::take(std::size_t scenario) {
  arrived taken{.scenario = scenario, .number = schedules_[scenario].index(), .intended = next_of(scenario)};
  schedules_[scenario].pop();
  sessions_[scenario].offered++;
  return taken;
}

task<void> session_generator::pace() {
  int at_once = 0;
  instant full_until = instant::min();   // what was due by then found every place taken
  instant blind_until = instant::min();  // what was due by then found this thread late, with a place free
  while (!stopped_) {
    const std::size_t scenario = earliest();
    const instant due = next_of(scenario);
    live_.next_due_ns.store(due.time_since_epoch().count(), std::memory_order_relaxed);
    if (due >= end_) break;
    if (due > on_.now()) {
      at_once = 0;
      // It may have been cut in the turn in which the wait ended.
      if (!co_await delay_until(due) || stopped_) co_return;
      stalls_.fired(due);
    }
    permit place = places_.try_acquire();
    // Several places may come free at once: who takes the second has waited as well.
    const bool waited = !place || due < full_until;
    if (!place) {
      result<permit> granted = co_await places_.acquire();
      if (!granted || stopped_) co_return;
      place = std::move(*granted);
      full_until = on_.now();
    } else if (!waited) {
      blind_until = on_.now();
    }
    arrived begun = take(scenario);
    const duration own_lag = on_.now() - std::max(due, full_until);
    realised_[scenario].sent(begun.number, due - start_, std::max(own_lag, duration::zero()));
    begun.waited = waited;
    begun.blind_until = blind_until;
    driving_->spawn(drive(begun, std::move(place)));
    if (++at_once % most_at_once == 0) co_await yield();
  }
}

// What was due and never had a place.
void session_generator::charge_unsent(instant now) {
  for (std::size_t scenario = earliest(); next_of(scenario) < end_; scenario = earliest()) {
    const arrived missed = take(scenario);
    const arrival unsent = offer(scenario, 0, missed.intended);
    measured_.not_sent(failure_kind::unsent, unsent, now, true, false);
  }
}

// --- a session ---

arrival session_generator::offer(std::size_t scenario, std::size_t step, instant intended) {
  arrival taken{.intended = intended,
                .k = due_++,
                .stage = stage_at(intended),
                .route = static_cast<unsigned>(plan_.scenarios[scenario].steps[step].route)};
  measured_.offered(taken, none_before());
  live_.offered.store(due_, std::memory_order_relaxed);
  return taken;
}

// What is not known yet is the first step of a session that is not due, or comes after an answer that is not there yet.
instant session_generator::none_before() {
  const instant unknown_from = std::min(next_of(earliest()), on_.now());
  return start_ + coming_.none_before(unknown_from - start_);
}

void session_generator::begin(session& in) const {
  const session_scenario& how = in.how;
  const std::uint64_t seed = plan_.work.seed ^ value_salt;
  in.variables.resize(how.variables.size());
  for (std::size_t i = 0; i < how.values.size(); ++i) {
    const draw_stream from = session_stream(seed, in.begun.scenario, in.begun.number, how.streams[i]);
    how.values[i].draw(from, in.begun.number, in.variables[i]);
  }
  in.blind_until = in.begun.blind_until;
}

task<void> session_generator::drive(arrived begun, permit place) {
  model::load_sessions& counts = sessions_[begun.scenario];
  counts.started++;
  if (begun.waited) counts.waited++;
  counts.most_at_once = std::max(counts.most_at_once, counts.started - counts.finished - counts.abandoned - counts.cut);
  under_way_++;
  session in{.how = plan_.scenarios[begun.scenario], .begun = begun};
  begin(in);
  const fate ended = co_await go_through(in);
  co_await close(in);
  under_way_--;
  if (ended == fate::goes_on) {
    counts.finished++;
    counts.time.record(nanoseconds(in.answered_at - begun.intended));
  } else if (ended == fate::abandoned) {
    counts.abandoned++;
  } else {
    counts.cut++;
  }
  place = permit();
}

task<session_generator::fate> session_generator::go_through(session& in) {
  instant intended = in.begun.intended;
  for (std::size_t index = 0;; ++index) {
    const fate seen = co_await perform(in, index, intended);
    if (seen != fate::goes_on || index + 1 == in.how.steps.size()) co_return seen;
    const duration pause = think_after(in, index);
    intended = saturating_add(in.answered_at, pause);
    if (intended >= end_) co_return fate::cut;
    in.next = coming_.expect(intended - start_);
    if (pause > duration::zero() && (!co_await delay_until(intended) || stopped_ || intended >= end_)) {
      co_return fate::cut;
    }
    in.free_since = in.answered_at;
    in.blind_until = on_.now();
  }
}

duration session_generator::think_after(const session& in, std::size_t index) const {
  return draw_think(in.how.steps[index].think,
                    session_stream(plan_.work.seed ^ think_salt, in.begun.scenario, in.begun.number, index));
}

void session_generator::render(session& in, std::size_t index) const {
  const session_step& step = in.how.steps[index];
  in.given.clear();
  for (const session_value& each : step.given) in.given.push_back({each.placeholder, in.variables[each.variable]});
  // A number of its own for each step of each session of each scenario.
  const std::uint64_t session = in.begun.number * plan_.scenarios.size() + in.begun.scenario;
  plan_.work.requests.render(step.route, {.k = session * model::most_steps + index}, in.request, in.given);
  if (!in.how.cookies) return;
  std::string line;
  in.jar.append_field(target_in(in.request.bytes), on_.now(), line);
  if (!line.empty()) in.request.bytes.insert(in.request.bytes.find("\r\n") + 2, line);
}

task<session_generator::fate> session_generator::perform(session& in, std::size_t index, instant intended) {
  const session_step& step = in.how.steps[index];
  const arrival taken = offer(in.begun.scenario, index, intended);
  in.next = {};
  render(in, index);
  fate seen = fate::again;
  for (bool again = false; seen == fate::again; again = true) {
    const std::optional<fate> failed = co_await ensure_open(in, taken, again);
    if (failed) co_return *failed;
    seen = co_await attempt(in, step, taken, again);
  }
  co_return seen;
}

// --- before all of them ---

task<result<void>> session_generator::connect() {
  scope opening(co_await this_context());
  connecting_ = &opening;
  if (stopped_) opening.cancel(cancel_reason::user);
  session probe{.how = plan_.scenarios.front(), .begun = {}};
  opening.spawn(open(probe));
  const result<void> opened = co_await opening.join();
  connecting_ = nullptr;
  co_await close(probe);
  if (opened && stopped_) co_return std::unexpected(error{.code = errc::cancelled, .what = "connect"});
  co_return opened;
}

}  // namespace assay::load
