#include "lab/plan/usual_phases.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "lab/model/duration.hpp"
#include "lab/plan/like_log.hpp"

namespace assay::plan {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr rate_text baseline{1, true};

// Longer than the day, whose changing load would look like growth; seconds enough for growth to be told at all.
constexpr seconds shortened_soak{30};

// Longer than anybody waits.
constexpr minutes hanging_reply{5};

// Of the full load, each for an equal part of the phase; afterwards so much of it, which all can bear.
constexpr std::array overload_steps{0.5, 1.0, 1.5, 2.0, 3.0, 4.0};
constexpr double overload_mean = 2;
constexpr double after_overload = 0.8;
static_assert(std::accumulate(overload_steps.begin(), overload_steps.end(), 0.0) ==
              overload_mean * overload_steps.size());

phase_draft step(const char* name, model::phase_kind kind, rate_text rate, nanoseconds length, nanoseconds full) {
  phase_draft made;
  made.name = name;
  made.kind = kind;
  made.rate = {.number = std::clamp(rate.number, least_rate, most_rate), .times_baseline = rate.times_baseline};
  made.length = length;
  made.full.length = full;
  return made;
}

class list_of_phases {
 public:
  explicit list_of_phases(const model::arrivals& seen) : seen_(seen) {}

  void add(phase_draft phase, std::string why) { made_.push_back({.draft = std::move(phase), .why = std::move(why)}); }
  // Looks like the log where the profile knows how.
  void add_like(likeness to, phase_draft phase, std::string why) {
    if (can_be_like(to, seen_)) phase.like_log = to;
    add(std::move(phase), std::move(why));
  }
  // Only where the profile knows how.
  void add_if_like(likeness to, phase_draft phase, std::string why) {
    if (can_be_like(to, seen_)) add_like(to, std::move(phase), std::move(why));
  }
  std::vector<usual_phase> take() { return std::move(made_); }

 private:
  const model::arrivals& seen_;
  std::vector<usual_phase> made_;
};

void add_failures(list_of_phases& to, const binding_draft& binding) {
  using enum model::phase_kind;
  const auto with = [&](auto kind) {
    return std::ranges::find_if(binding.needs, [=](const dependency_draft& each) { return (each.*kind).has_value(); });
  };
  if (const auto database = with(&dependency_draft::postgres); database != binding.needs.end()) {
    phase_draft spike = step("database-spike", fault, baseline, seconds(8), minutes(1));
    spike.done_to.push_back({.dependency = database->name, .latency = latency_draft{milliseconds(150), 0.3}});
    to.add(std::move(spike), "a slow database: what waits for it, and what else does");
    to.add(step("recovery", recovery, baseline, seconds(8), minutes(1)), "how long until it is as before");
    phase_draft gone = step("database-outage", fault, baseline, seconds(5), minutes(1));
    gone.done_to.push_back({.dependency = database->name, .latency = {}, .outage = true});
    to.add(std::move(gone), "a database that is gone: is it said at once, or does everything wait?");
    to.add(step("database-back", recovery, baseline, seconds(5), minutes(1)), "are its connections made anew?");
  }
  if (const auto service = with(&dependency_draft::http_service); service != binding.needs.end()) {
    phase_draft hanging = step("third-party-hanging", fault, baseline, seconds(5), minutes(1));
    hanging.done_to.push_back({.dependency = service->name, .latency = latency_draft{hanging_reply, 0}});
    to.add(std::move(hanging), "a third party that takes requests and does not answer: finds waits without a deadline");
    phase_draft outage = step("third-party-outage", fault, baseline, seconds(8), minutes(1));
    outage.done_to.push_back({.dependency = service->name, .latency = {}, .outage = true});
    to.add(std::move(outage), "a third party that is gone: what does without it, and what does not");
    to.add(step("third-party-back", recovery, baseline, seconds(5), minutes(1)), "how long until it is as before");
  }
}

// Last, for a service may not come out of it.
void add_overload(list_of_phases& to, const log_rates& known, const binding_draft& binding) {
  using enum model::phase_kind;
  const std::string of =
      fmt::format("{:.4g}/s, {}", known.full_load, binding.capacity_rate ? "the capacity in the binding" : "the peak");
  // The highest step is a rate as well.
  const double mean = std::min(overload_mean * known.full_load, most_rate * overload_mean / overload_steps.back());
  phase_draft steps = step("overload", burst, {mean, false}, seconds(18), minutes(6));
  steps.shape.assign(overload_steps.begin(), overload_steps.end());
  to.add(std::move(steps), fmt::format("0.5x to 4x of {}, in steps: does it shed, queue or collapse?", of));
  to.add(step("overload-back", recovery, {after_overload * known.full_load, false}, seconds(8), minutes(2)),
         fmt::format("{}x of {}: does it come back by itself, and how soon?", after_overload, of));
}

}  // namespace

log_rates rates_of(const model::profile& profile, const binding_draft& binding) {
  const model::arrivals& seen = profile.arrival;
  log_rates made;
  // A log shorter than an hour has no median hour.
  made.log_baseline = seen.median_hour_per_s > 0 ? seen.median_hour_per_s : seen.mean_per_s;
  made.baseline = binding.baseline_rate.value_or(made.log_baseline);
  made.scale = made.log_baseline > 0 ? made.baseline / made.log_baseline : 1;
  made.peak = std::max(made.baseline, seen.busiest_hour_per_s * made.scale);
  made.mean = seen.mean_per_s * made.scale;
  const auto in_worst = std::accumulate(seen.worst_minute.begin(), seen.worst_minute.end(), std::uint64_t{0});
  const auto worst_s = static_cast<double>(std::max<std::size_t>(seen.worst_minute.size(), 1));
  made.worst_minute = static_cast<double>(in_worst) / worst_s * made.scale;
  made.full_load = binding.capacity_rate.value_or(made.peak);
  return made;
}

std::vector<usual_phase> usual_phases(const log_rates& known, const model::arrivals& seen,
                                      const binding_draft& binding) {
  using enum model::phase_kind;
  list_of_phases phases(seen);
  phases.add(step("warm-up", warm_up, baseline, seconds(6), minutes(1)), "caches and pools fill; nothing is judged");
  phases.add_like(likeness::hour, step("baseline", steady, baseline, seconds(14), minutes(10)),
                  "an ordinary hour: the median of the log's hours");
  phases.add_like(likeness::hour, step("peak", steady, {known.peak, false}, seconds(8), minutes(5)),
                  "the log's busiest hour");
  phases.add_if_like(likeness::day, step("daily-cycle", steady, {known.mean, false}, seconds(24), hours(2)),
                     "the log's mean rate");
  phases.add(step("soak", steady, baseline, shortened_soak, binding.soak),
             fmt::format("an ordinary hour for long, at an even rate: what grows without end, and slowly. The longest "
                         "steady phase is where leaks are judged; {} cannot tell slow ones",
                         model::duration_text(shortened_soak)));
  phase_draft ramp = step("ramp", burst, {2, true}, seconds(10), minutes(5));
  ramp.shape = {0.5, 0.75, 1, 1.25, 1.5};
  phases.add(std::move(ramp), "from the baseline to three times as much: where it begins to bend");
  phases.add(step("burst", burst, {10, true}, seconds(4), seconds(30)), "ten times the baseline, all at once");
  phases.add_if_like(likeness::worst_minute,
                     step("worst-burst", burst, {known.worst_minute, false}, seconds(12), minutes(1)),
                     "the worst burst that was seen, its rate scaled as the baseline is");
  phases.add(step("settle", recovery, baseline, seconds(5), minutes(1)), "how long until it is as before");
  add_failures(phases, binding);
  add_overload(phases, known, binding);
  return phases.take();
}

}  // namespace assay::plan
