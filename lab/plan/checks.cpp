#include "lab/plan/checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "lab/model/nearest.hpp"
#include "lab/model/template.hpp"

namespace assay::plan {
namespace {

// The place of a key of a map, of the map itself when it is not written.
place place_of(const yaml_node& map, std::string_view key) {
  const yaml_node* found = map.find(key);
  return found != nullptr ? found->at : map.at;
}

place place_of_name(const yaml_node& item) { return place_of(item, item.find("route") != nullptr ? "route" : "name"); }

void check_unique(reader& in, const char* list_name, const yaml_node& list, const auto& values) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].name.empty())
      in.refuse(place_of_name(list.items[i]), fmt::format("{}[{}]: empty name", list_name, i));
    if (seen.insert(values[i].name).second) continue;
    in.refuse(place_of_name(list.items[i]),
              fmt::format("{}[{}]: duplicate name {}", list_name, i, in_quotes(values[i].name)));
  }
}

std::string unknown_name(std::string_view kind, const std::string& name, const std::vector<std::string>& known) {
  const std::string meant = model::nearest(name, known);
  return fmt::format("no {} is called {}; {}", kind, in_quotes(name),
                     meant.empty()
                         ? fmt::format("known are {}", known.empty() ? "none" : fmt::to_string(fmt::join(known, ", ")))
                         : fmt::format("did you mean \"{}\"?", meant));
}

std::vector<std::string> names_of(const auto& values) {
  std::vector<std::string> names;
  for (const auto& each : values) names.push_back(each.name);
  return names;
}

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";  // RFC 9110, 5.6.2
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.contains(c);
  });
}

// Visible ASCII: what a request target may hold beside '#'.
bool fits_target(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
}
bool fits_field(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; });
}

// Headers that the load engine itself writes.
bool is_reserved(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  constexpr std::array reserved{"connection", "content-length", "host", "transfer-encoding"};
  return std::ranges::find(reserved, name) != reserved.end();
}

// The templates of one route: collects the placeholders and what their values must fit into.
class route_check {
 public:
  route_check(reader& in, const std::string& path, const yaml_node& node, const model::bound_route& route)
      : in_(in), path_(path), node_(node), route_(route) {}

  void run() {
    if (!route_.target.starts_with('/')) refuse("target", ".target: expected a path that begins with /");
    use("target", route_.target, fits_target, "a request target, which holds no spaces, controls or #");
    for (const auto& [name, value] : route_.headers) {
      if (!is_token(name)) refuse("headers", fmt::format(".headers: {} is no name of a header", in_quotes(name)));
      if (is_reserved(name))
        refuse("headers", fmt::format(".headers: {} is written by the load engine", in_quotes(name)));
      use("headers", value, fits_field, "a header, which holds no control characters");
    }
    use("body", route_.body, [](std::string_view) { return true; }, "");
    for (const auto& [name, source] : route_.values) {
      if (std::ranges::find(names_, name) != names_.end()) continue;
      refuse("values",
             fmt::format(".values: {} is used in no placeholder of target, headers or body", in_quotes(name)));
    }
    if (!route_.acknowledged_by.empty() && !route_.values.contains(route_.acknowledged_by)) {
      refuse("acknowledged_by",
             fmt::format(".acknowledged_by: {}", unknown_name("value", route_.acknowledged_by, names_)));
    }
  }

 private:
  void refuse(std::string_view key, const std::string& why) { in_.refuse(place_of(node_, key), path_ + why); }

  void use(std::string_view key, const std::string& text, bool (*fits)(std::string_view), std::string_view where) {
    std::vector<std::string> used;
    const auto parsed = model::parse_template(text, used);
    if (!parsed) return refuse(key, fmt::format(".{}: {}", key, parsed.error()));
    for (const model::template_piece& piece : parsed->pieces) {
      if (!fits(piece.literal))
        refuse(key, fmt::format(".{}: {} does not fit {}", key, in_quotes(piece.literal), where));
    }
    for (const std::string& name : used) {
      if (std::ranges::find(names_, name) == names_.end()) names_.push_back(name);
      const auto source = route_.values.find(name);
      if (source == route_.values.end()) {
        refuse(key, fmt::format(".{}: {{{}}} has no entry under values", key, name));
        continue;
      }
      const auto bad = std::ranges::find_if_not(source->second.choices, fits);
      const std::string& text_of = bad != source->second.choices.end() ? *bad : source->second.text;
      if (bad == source->second.choices.end() && fits(source->second.text)) continue;
      refuse("values", fmt::format(".values.{}: {} does not fit {}", name, in_quotes(text_of), where));
    }
  }

  reader& in_;
  const std::string& path_;
  const yaml_node& node_;
  const model::bound_route& route_;
  std::vector<std::string> names_;
};

void check_workload(reader& in, const yaml_node& list, const model::plan& plan) {
  check_unique(in, "workload", list, plan.workload);
  const auto reconciles = [](const model::dependency& each) { return !each.reconcile_query.empty(); };
  const bool can_reconcile = std::ranges::any_of(plan.dependencies, reconciles);
  double total = 0;
  for (std::size_t i = 0; i < plan.workload.size(); ++i) {
    const model::bound_route& route = plan.workload[i];
    const std::string path = fmt::format("workload[{}]", i);
    check_route(in, path, list.items[i], route);
    total += route.weight;
    if (route.acknowledged_by.empty() || can_reconcile) continue;
    in.refuse(place_of(list.items[i], "acknowledged_by"),
              path + ".acknowledged_by: no postgres dependency has a \"reconcile\" query");
  }
  if (total <= 0) in.refuse(list.at, "workload: expected at least one route of a weight above 0");
}

void check_phases(reader& in, const yaml_node& list, const model::plan& plan) {
  check_unique(in, "phases", list, plan.phases);
  const std::vector<std::string> known = names_of(plan.dependencies);
  for (std::size_t i = 0; i < plan.phases.size(); ++i) {
    const model::phase& phase = plan.phases[i];
    if (phase.kind == model::phase_kind::fault && phase.faults.empty()) {
      in.refuse(list.items[i].at, fmt::format("phases[{}]: a phase of kind fault needs \"faults\"", i));
    }
    for (std::size_t k = 0; k < phase.faults.size(); ++k) {
      const std::string& name = phase.faults[k].dependency;
      if (std::ranges::find(known, name) != known.end()) continue;
      in.refuse(place_of(list.items[i].find("faults")->items[k], "dependency"),
                fmt::format("phases[{}].faults[{}].dependency: {}", i, k, unknown_name("dependency", name, known)));
    }
  }
}

void check_request_of(reader& in, const yaml_node& node, const std::string& path, const model::background_task& task) {
  if (!fits_target(task.target)) {
    in.refuse(place_of(node, "request"),
              fmt::format("{}.request: {} does not fit a request target, which holds no spaces, controls or #", path,
                          in_quotes(task.target)));
  }
  for (const auto& [name, value] : task.headers) {
    if (!is_token(name))
      in.refuse(node.at, fmt::format("{}.headers: {} is no name of a header", path, in_quotes(name)));
    if (is_reserved(name)) in.refuse(node.at, fmt::format("{}.headers: {} is written by assay", path, in_quotes(name)));
    if (!fits_field(value)) {
      in.refuse(node.at, fmt::format("{}.headers: {} does not fit a header, which holds no control characters", path,
                                     in_quotes(value)));
    }
  }
}

void check_background(reader& in, const yaml_node& list, const model::plan& plan) {
  check_unique(in, "background", list, plan.background);
  if (plan.background.size() > most_background_tasks) {
    in.refuse(list.at, fmt::format("background: expected at most {} tasks", most_background_tasks));
  }
  const std::vector<std::string> phases = names_of(plan.phases);
  const std::vector<std::string> dependencies = names_of(plan.dependencies);
  for (std::size_t i = 0; i < plan.background.size(); ++i) {
    const model::background_task& task = plan.background[i];
    const std::string path = fmt::format("background[{}]", i);
    check_request_of(in, list.items[i], path, task);
    for (const std::string& name : task.phases) {
      if (std::ranges::find(phases, name) != phases.end()) continue;
      in.refuse(place_of(list.items[i], "phases"),
                fmt::format("{}.phases: {}", path, unknown_name("phase", name, phases)));
    }
    std::vector<std::string> names;
    for (const std::string& word : task.command) {
      const auto parsed = model::parse_template(word, names);
      if (!parsed) in.refuse(place_of(list.items[i], "command"), fmt::format("{}.command: {}", path, parsed.error()));
    }
    for (const std::string& name : names) {
      if (name == "url" || std::ranges::find(dependencies, name) != dependencies.end()) continue;
      in.refuse(place_of(list.items[i], "command"),
                fmt::format("{}.command: {}", path, unknown_name("dependency", name, dependencies)));
    }
  }
}

void check_objectives(reader& in, const yaml_node& list, const char* key, const std::vector<model::objective>& all,
                      const model::plan& plan) {
  const std::vector<std::string> routes = names_of(plan.workload);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].route.empty() || std::ranges::find(routes, all[i].route) != routes.end()) continue;
    in.refuse(list.items[i].at, fmt::format("{}[{}]: {}", key, i, unknown_name("route", all[i].route, routes)));
  }
}

void check_file(reader& in, place at, const std::string& path, const std::string& file) {
  std::error_code failed;
  if (!std::filesystem::is_regular_file(file, failed)) in.refuse(at, fmt::format("{}: {}: no such file", path, file));
}

void check_candidate(reader& in, const std::string& path, const yaml_node& node, const model::candidate& candidate,
                     const std::vector<std::string>& dependencies) {
  std::vector<std::string> names;
  const auto parse = [&](const std::string& where, const std::string& text) {
    const auto parsed = model::parse_template(text, names);
    if (!parsed) in.refuse(node.at, fmt::format("{}.{}: {}", path, where, parsed.error()));
  };
  for (const std::string& each : candidate.command) parse("command", each);
  for (const auto& [name, value] : candidate.environment) parse("environment." + name, value);
  const bool has_port = std::ranges::find(names, "port") != names.end();
  if (!candidate.command.empty() && !has_port) {
    in.refuse(node.at, path + ": {port} stands neither in the command nor in the environment");
  }
  for (const std::string& name : names) {
    if (name == "port" || std::ranges::find(dependencies, name) != dependencies.end()) continue;
    in.refuse(node.at, fmt::format("{}: {}", path, unknown_name("dependency", name, dependencies)));
  }
}

}  // namespace

void check_route(reader& in, const std::string& path, const yaml_node& node, const model::bound_route& route) {
  route_check(in, path, node, route).run();
}

void check_dependencies(reader& in, const yaml_node& list, const std::vector<model::dependency>& dependencies) {
  check_unique(in, "dependencies", list, dependencies);
  for (std::size_t i = 0; i < dependencies.size(); ++i) {
    const std::string path = fmt::format("dependencies[{}]", i);
    std::vector<std::string> names;  // {NAME} in a candidate's environment must be able to say it
    if (!model::parse_template("{" + dependencies[i].name + "}", names) || dependencies[i].name == "port") {
      in.refuse(place_of(list.items[i], "name"),
                path + ".name: expected a letter, then letters, digits, '-', '_'; not port");
    }
    for (const std::string& each : dependencies[i].schema)
      check_file(in, list.items[i].at, path + ".postgres.schema", each);
    for (const std::string& each : dependencies[i].reset)
      check_file(in, list.items[i].at, path + ".postgres.reset", each);
  }
}

void check_candidates(reader& in, const yaml_node& list, const std::vector<model::candidate>& candidates,
                      const std::vector<model::dependency>& dependencies) {
  check_unique(in, "candidates", list, candidates);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    check_candidate(in, fmt::format("candidates[{}]", i), list.items[i], candidates[i], names_of(dependencies));
  }
}

void check(reader& in, const yaml_node& root, const model::plan& plan) {
  check_workload(in, *root.find("workload"), plan);
  check_phases(in, *root.find("phases"), plan);
  for (const auto& [key, all] :
       {std::pair("objectives", &plan.objectives), std::pair("proposed_objectives", &plan.proposed)}) {
    if (const yaml_node* list = root.find(key)) check_objectives(in, *list, key, *all, plan);
  }
  if (const yaml_node* list = root.find("background")) check_background(in, *list, plan);
  if (const yaml_node* list = root.find("dependencies")) check_dependencies(in, *list, plan.dependencies);
  check_candidates(in, *root.find("candidates"), plan.candidates, plan.dependencies);
  if (plan.find_candidate(plan.reference) == nullptr) {
    in.refuse(place_of(root, "reference"),
              "reference: " + unknown_name("candidate", plan.reference, names_of(plan.candidates)));
  }
  if (!plan.conformance.empty()) check_file(in, place_of(root, "conformance"), "conformance", plan.conformance);
}

}  // namespace assay::plan
