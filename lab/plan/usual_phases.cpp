#include "lab/plan/usual_phases.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "lab/plan/like_log.hpp"

namespace assay::plan {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr rate_text baseline{1, true};

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
  }
  if (const auto service = with(&dependency_draft::http_service); service != binding.needs.end()) {
    phase_draft outage = step("third-party-outage", fault, baseline, seconds(8), minutes(1));
    outage.done_to.push_back({.dependency = service->name, .latency = {}, .outage = true});
    to.add(std::move(outage), "a third party that is gone: what does without it, and what does not");
    to.add(step("third-party-back", recovery, baseline, seconds(5), minutes(1)), "how long until it is as before");
  }
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
  phase_draft ramp = step("ramp", burst, {2, true}, seconds(10), minutes(5));
  ramp.shape = {0.5, 0.75, 1, 1.25, 1.5};
  phases.add(std::move(ramp), "from the baseline to three times as much: where it begins to bend");
  phases.add(step("burst", burst, {10, true}, seconds(4), seconds(30)), "ten times the baseline, all at once");
  phases.add_if_like(likeness::worst_minute,
                     step("worst-burst", burst, {known.worst_minute, false}, seconds(12), minutes(1)),
                     "the worst burst that was seen, its rate scaled as the baseline is");
  phases.add(step("settle", recovery, baseline, seconds(5), minutes(1)), "how long until it is as before");
  add_failures(phases, binding);
  return phases.take();
}

}  // namespace assay::plan
