#include "lab/plan/binding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/model/duration.hpp"
#include "lab/model/feed.hpp"
#include "lab/plan/bound_routes.hpp"
#include "lab/plan/checks.hpp"
#include "lab/plan/forecast.hpp"
#include "lab/plan/read.hpp"
#include "lab/plan/resolve.hpp"

namespace assay::plan {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

struct rates {
  double log_baseline = 0;  // of the profile
  double baseline = 0;
  double peak = 0;
  double scale = 1;
};

rates rates_of(const model::profile& profile, const binding_draft& binding) {
  const model::arrivals& seen = profile.arrival;
  rates made;
  // A log shorter than an hour has no median hour.
  made.log_baseline = seen.median_hour_per_s > 0 ? seen.median_hour_per_s : seen.mean_per_s;
  made.baseline = binding.baseline_rate.value_or(made.log_baseline);
  made.scale = made.log_baseline > 0 ? made.baseline / made.log_baseline : 1;
  made.peak = std::max(made.baseline, seen.busiest_hour_per_s * made.scale);
  return made;
}

phase_draft step(const char* name, model::phase_kind kind, rate_text rate, nanoseconds length, nanoseconds full) {
  phase_draft made;
  made.name = name;
  made.kind = kind;
  made.rate = rate;
  made.length = length;
  made.full.length = full;
  return made;
}

// Where the binding has none of its own.
std::vector<phase_draft> usual_phases(const rates& known, const binding_draft& binding) {
  using enum model::phase_kind;
  constexpr rate_text baseline{1, true};
  std::vector<phase_draft> phases = {
      step("warm-up", warm_up, baseline, seconds(6), minutes(1)),
      step("baseline", steady, baseline, seconds(14), minutes(10)),
      step("peak", steady, {known.peak, false}, seconds(8), minutes(5)),
      step("burst", burst, {10, true}, seconds(4), seconds(30)),
      step("settle", recovery, baseline, seconds(5), minutes(1)),
  };
  const auto database = std::ranges::find_if(binding.needs, [](const auto& each) { return each.postgres.has_value(); });
  if (database == binding.needs.end()) return phases;
  phase_draft spike = step("database-spike", fault, baseline, seconds(8), minutes(1));
  spike.done_to.push_back({.dependency = database->name, .latency = latency_draft{milliseconds(150), 0.3}});
  phases.push_back(std::move(spike));
  phases.push_back(step("recovery", recovery, baseline, seconds(8), minutes(1)));
  return phases;
}

void apply(model::plan& plan, const bind_options& options) {
  for (model::phase& each : plan.phases) {
    if (!options.full) continue;
    each.length = each.full_length;
    each.rate_per_s = each.full_rate_per_s;
  }
}

std::string against_baseline(const model::phase& phase, double baseline) {
  const std::string times = fmt::format("{:.3g}x of the baseline", phase.rate_per_s / baseline);
  const std::string length = model::duration_text(phase.length);
  const bool shortened = phase.length != phase.full_length || phase.rate_per_s != phase.full_rate_per_s;
  return fmt::format("{}: {:.4g}/s ({}) for {}{}", phase.name, phase.rate_per_s, times, length,
                     shortened ? fmt::format(", at full length {:.4g}/s for {}", phase.full_rate_per_s,
                                             model::duration_text(phase.full_length))
                               : "");
}

void explain(bound_plan& made, const model::profile& profile, const rates& known, const bind_options& options,
             const std::string& binding_path) {
  const std::string binding_name = std::filesystem::path(binding_path).filename().string();
  made.notes.head = {fmt::format("Written by `assay plan` from the profile {} and the binding {}.",
                                 options.profile_name, binding_name),
                     "What the keys mean: docs/plan-yaml.md. What it will do: assay plan --check THIS-FILE."};
  std::vector<std::string>& why = made.notes.phases;
  why.push_back(fmt::format("The log: median hour {:.4g}/s, busiest hour {:.4g}/s, busiest second {:.4g}/s.",
                            profile.arrival.median_hour_per_s, profile.arrival.busiest_hour_per_s,
                            profile.arrival.busiest_second_per_s));
  why.push_back(
      fmt::format("baseline = median hour, scaled by {:.4g} to {:.4g}/s; the busiest hour scales to {:.4g}/s.",
                  known.scale, known.baseline, known.peak));
  why.push_back("`full` is what the full-length process uses: hours make rare things happen, seconds do not.");
  for (const model::phase& each : made.plan.phases) why.push_back(against_baseline(each, known.baseline));
}

}  // namespace

std::expected<bound_plan, std::string> bind_profile(const model::profile& profile, const std::string& binding_path,
                                                    const bind_options& options) {
  const auto text = model::read_whole(binding_path, most_document_bytes);
  if (!text) return std::unexpected(text.error());
  const auto root = parse_yaml(binding_path, *text);
  if (!root) return std::unexpected(root.error());
  std::error_code ignored;
  reader in(binding_path, std::filesystem::absolute(binding_path, ignored).parent_path());
  binding_draft draft;
  decode(in, binding_section(), "", *root, &draft);
  if (in.failed()) return std::unexpected(in.error());

  const rates known = rates_of(profile, draft);
  if (known.baseline <= 0) {
    return std::unexpected(binding_path + ": the profile has no rate; write a \"baseline_rate\"");
  }
  bound_routes routes = bind_routes(in, *root->find("routes"), profile, draft);
  const yaml_node* phases = root->find("phases");
  if (phases == nullptr) draft.steps = usual_phases(known, draft);
  // Phases of our own making have no place in the file; an empty mapping stands for each.
  const yaml_node made_up{.is = yaml_node::form::list,
                          .text = {},
                          .at = {},
                          .items = std::vector<yaml_node>(draft.steps.size()),
                          .entries = {}};
  bound_plan made;
  made.plan = resolve(in, *root, phases != nullptr ? *phases : made_up, std::move(draft), known.baseline);
  made.plan.workload = std::move(routes.workload);
  if (in.failed()) return std::unexpected(in.error());
  if (!routes.refusal.empty()) return std::unexpected(std::move(routes.refusal));
  if (made.plan.workload.empty()) return std::unexpected(binding_path + ": no route of the profile is bound");
  apply(made.plan, options);
  if (options.within) {
    if (const auto fits = shorten(made.plan, *options.within); !fits) return std::unexpected(fits.error());
  }
  made.notes = std::move(routes.notes);
  made.notices = std::move(routes.notices);
  explain(made, profile, known, options, binding_path);
  return made;
}

}  // namespace assay::plan
