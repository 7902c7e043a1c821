#include "lab/plan/binding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "lab/model/duration.hpp"
#include "lab/model/feed.hpp"
#include "lab/plan/bound_routes.hpp"
#include "lab/plan/checks.hpp"
#include "lab/plan/forecast.hpp"
#include "lab/plan/like_log.hpp"
#include "lab/plan/objectives.hpp"
#include "lab/plan/read.hpp"
#include "lab/plan/resolve.hpp"
#include "lab/plan/route_text.hpp"
#include "lab/plan/usual_phases.hpp"

namespace assay::plan {
namespace {

// What is to look like the log, does; and says so.
void take_likeness(reader& in, const yaml_node& list, std::vector<phase_draft>& steps, const model::arrivals& seen,
                   std::map<std::string, std::string>& notes) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto like = be_like_log(steps[i], seen);
    if (!like) return in.refuse(list.items[i].at, fmt::format("phases[{}]{}", i, like.error()));
    if (like->empty()) continue;
    std::string& note = notes[steps[i].name];
    note += note.empty() ? *like : "; " + *like;
  }
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

void explain(bound_plan& made, const model::profile& profile, const log_rates& known, const bind_options& options,
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

// What belongs to the usual process and is no phase of its own.
void say_what_is_no_phase(bound_plan& made, const model::profile& profile) {
  double all = 0;
  double reads = 0;
  for (const model::bound_route& each : made.plan.workload) {
    all += each.weight;
    if (each.method == "GET" || each.method == "HEAD") reads += each.weight;
  }
  std::vector<std::string>& why = made.notes.phases;
  why.push_back(
      fmt::format("mixed: every phase sends all routes together; {} of the requests read (GET, HEAD), {} may write.",
                  percent(reads / std::max(all, 1e-9)), percent(1 - reads / std::max(all, 1e-9))));
  const std::string format = profile.sources.empty() ? "" : profile.sources.front().format;
  why.push_back(
      fmt::format("replay is no phase of a plan: assay replay {} FILES --to http://HOST:PORT --speed 1x sends "
                  "the requests of the log themselves, at their recorded times.",
                  format == "har"        ? "har"
                  : format == "goreplay" ? "gor"
                                         : "log"));
}

// What the log suggests, unless the binding says what is to be kept.
void add_proposals(bound_plan& made, const model::profile& profile) {
  if (!made.plan.objectives.empty()) return;
  proposals found = propose_objectives(profile, made.plan.workload);
  for (proposed_objective& each : found.each) {
    if (auto read = parse_objective(each.text)) made.plan.proposed.push_back(std::move(*read));
    made.notes.objective[each.text] = std::move(each.why);
  }
  if (!found.each.empty()) {
    made.notes.objectives.emplace_back(
        "Proposals from the log, to be confirmed: what the service has kept, rounded up. Nobody is judged by them; "
        "put");
    made.notes.objectives.emplace_back("those that you mean, as you mean them, under `objectives:` of the binding.");
  }
  for (std::string& each : found.remarks) made.notes.objectives.push_back("And " + std::move(each) + ".");
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

  const log_rates known = rates_of(profile, draft);
  if (known.baseline <= 0) {
    return std::unexpected(binding_path + ": the profile has no rate; write a \"baseline_rate\"");
  }
  bound_routes routes = bind_routes(in, *root->find("routes"), profile, draft);
  const yaml_node* phases = root->find("phases");
  std::map<std::string, std::string> reasons;
  if (phases == nullptr) {
    for (usual_phase& each : usual_phases(known, profile.arrival, draft)) {
      reasons[each.draft.name] = std::move(each.why);
      draft.steps.push_back(std::move(each.draft));
    }
  }
  // Phases of our own making have no place in the file; an empty mapping stands for each.
  const yaml_node made_up{.is = yaml_node::form::list,
                          .text = {},
                          .at = {},
                          .items = std::vector<yaml_node>(draft.steps.size()),
                          .entries = {}};
  const yaml_node& list = phases != nullptr ? *phases : made_up;
  take_likeness(in, list, draft.steps, profile.arrival, reasons);
  if (in.failed()) return std::unexpected(in.error());
  bound_plan made;
  made.plan = resolve(in, *root, list, std::move(draft), known.baseline);
  made.plan.workload = std::move(routes.workload);
  if (in.failed()) return std::unexpected(in.error());
  if (!routes.refusal.empty()) return std::unexpected(std::move(routes.refusal));
  if (made.plan.workload.empty()) return std::unexpected(binding_path + ": no route of the profile is bound");
  apply(made.plan, options);
  if (options.within) {
    if (const auto fits = shorten(made.plan, *options.within); !fits) return std::unexpected(fits.error());
  }
  made.notes = std::move(routes.notes);
  made.notes.phase = std::move(reasons);
  made.notices = std::move(routes.notices);
  explain(made, profile, known, options, binding_path);
  if (phases == nullptr) say_what_is_no_phase(made, profile);
  add_proposals(made, profile);
  return made;
}

}  // namespace assay::plan
