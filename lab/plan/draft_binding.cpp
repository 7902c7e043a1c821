#include "lab/plan/draft_binding.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "lab/plan/bound_routes.hpp"
#include "lab/plan/drafts.hpp"
#include "lab/plan/route_text.hpp"
#include "lab/plan/usual_phases.hpp"
#include "lab/plan/write.hpp"

namespace assay::plan {
namespace {

// What a probe or a collector asks for, by the names that they have everywhere.
bool is_asked_by_machines(const model::route& route) {
  constexpr std::array names{"health", "healthz", "livez", "readyz", "metrics", "ping", "status"};
  const std::size_t ends = std::min(route.path.find('/', 1), route.path.size());
  return std::ranges::find(names, route.path.substr(1, ends - 1)) != names.end();
}

// "shop" of "shop.profile.json".
std::string name_of_draft(std::string_view profile_name) {
  const std::string_view name = profile_name.substr(0, profile_name.find('.'));
  return name.empty() ? "workload" : std::string(name);
}

std::string head_of_draft(const std::string& profile_name) {
  return yaml_comment("A draft from the profile " + profile_name + ". What is marked \"fill in\" only you know.") +
         yaml_comment("What the keys mean: docs/plan-yaml.md. Then: assay plan PROFILE --bind THIS-FILE.") +
         fmt::format("version: 1\nname: {}\nseed: 1\nrepeats: 3\n\n", yaml_scalar(name_of_draft(profile_name))) +
         yaml_comment("fill in: each a descriptor's path, or {name: NAME, url: \"http://HOST:PORT\"}.") +
         "candidates: []\n" +
         yaml_comment("Where a candidate needs a database or a third party, and a file of checks:") +
         yaml_comment("dependencies: [{name: database, postgres: {schema: [schema.sql]}}]") +
         yaml_comment("conformance: checks.yaml") + "\n";
}

// What 1x is, which is the log's and need not be what is asked.
std::string rate_of_draft(const model::profile& profile) {
  const log_rates known = rates_of(profile, {});
  if (known.baseline <= 0) {
    return yaml_comment("fill in: requests a second that 1x means; the profile has no rate.") +
           yaml_comment("baseline_rate: 100") + "\n";
  }
  if (profile.arrival.whole_hours == 0) {
    return yaml_comment(fmt::format(
               "1x is the log's mean rate, {:.4g}/s: it has no whole hour. To ask at another rate:", known.baseline)) +
           yaml_comment("baseline_rate: 100") + "\n";
  }
  return yaml_comment(fmt::format("1x is the log's median hour, {:.4g}/s; its busiest hour had {:.4g}/s. To ask at "
                                  "another rate:",
                                  known.baseline, profile.arrival.busiest_hour_per_s)) +
         yaml_comment("baseline_rate: 100") + "\n";
}

// How it was answered that a request of it was wrong: what one that is right may get as well.
std::string refusals_of(const model::route& route) {
  std::string text;
  for (const auto& [status, count] : route.statuses) {
    if (status < 400 || status >= 500) continue;
    text += "  " + yaml_comment(fmt::format("  {} of them were answered with {}; expected: [...] if that is no error",
                                            percent(static_cast<double>(count) / static_cast<double>(route.requests)),
                                            status));
  }
  return text;
}

std::size_t marks_in(std::string_view text) {
  std::size_t marks = 0;
  for (std::size_t at = text.find("fill in:"); at != text.npos; at = text.find("fill in:", at + 1)) ++marks;
  return marks;
}

}  // namespace

drafted_binding draft_binding(const model::profile& profile, const std::string& profile_name,
                              const described_service& described) {
  std::map<std::string, const drafted_body*> bodies;
  for (const auto& [route, body] : described.bodies) bodies[shape_of(route)] = &body;
  const double smallest = binding_draft().smallest_share;
  double total = 0;
  for (const model::route& each : profile.routes) total += static_cast<double>(each.requests);
  drafted_binding made;
  std::string routes;
  std::string left_out;
  double dropped_share = 0;
  for (const model::route& each : profile.routes) {
    const double share = total > 0 ? static_cast<double>(each.requests) / total : 0;
    if (share < smallest || is_only_not_found(each)) {
      ++made.dropped;
      dropped_share += share;
    } else if (is_asked_by_machines(each)) {
      ++made.left_out;
      left_out +=
          fmt::format("  - {{route: {}, why: \"asked by machines, not by users\"}}\n", yaml_scalar(each.name()));
    } else {
      ++made.routes;
      const auto found = bodies.find(shape_of(each.name()));
      const drafted_body* const body = found != bodies.end() ? found->second : nullptr;
      made.bodies += body != nullptr && !body->example.json.empty();
      routes += "  " + yaml_comment(percent(share) + " of the requests") + refusals_of(each) +
                binding_lines(each, body, described.file);
    }
  }
  made.text = head_of_draft(profile_name) + rate_of_draft(profile);
  made.text += yaml_comment(
      "Weights and popularity are the profile's. A feed is a file of yours beside this one, a value a line, or .csv");
  made.text += yaml_comment("or .jsonl. No log has credentials: headers: {authorization: \"Bearer {token}\"}.");
  if (profile.session.count > 0 && profile.session.requests_mean > 1) {
    made.text += yaml_comment("Sessions as long as the log's, and as far apart, in any route with such a header:");
    made.text += yaml_comment("headers: {user-agent: \"visitor-{who}\"}, values: {who: {visitor: {like_log: true}}}.");
  }
  if (made.dropped > 0) {
    made.text += yaml_comment(fmt::format("Not sent, jointly {}: {} routes below {}, or answered 404 only.",
                                          percent(dropped_share), made.dropped, percent(smallest)));
  }
  made.text += "routes:" + (routes.empty() ? std::string(" []\n") : "\n" + routes);
  if (!left_out.empty()) made.text += "\nleave_out:\n" + left_out;
  made.text += "\n" + yaml_comment("Without `phases` the usual ones are taken, with the log's rates and bursts.");
  made.marks = marks_in(made.text);
  return made;
}

}  // namespace assay::plan
