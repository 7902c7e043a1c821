#include "lab/load/session_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

#include "lab/load/joint_stages.hpp"
#include "lab/load/stage_text.hpp"
#include "lab/model/template.hpp"
#include "stack/http/client.hpp"

namespace assay::load {
namespace {

using checked = std::expected<void, std::string>;

std::unexpected<std::string> refuse(std::string_view place, std::string_view why) {
  return std::unexpected(fmt::format("{}: {}", place, why));
}

// The names of the placeholders in a text; nothing when it is no template.
std::expected<std::vector<std::string>, std::string> names_in(std::string_view text) {
  std::vector<std::string> names;
  const auto parsed = model::parse_template(text, names);
  if (!parsed) return std::unexpected(parsed.error());
  return names;
}

bool carries(std::string_view text, const std::string& name) {
  const auto names = names_in(text);
  return names && std::ranges::find(*names, name) != names->end();
}

// Where the steps from `first` on put the value of that name.
value_places places_of(const std::string& name, std::span<const model::scenario_step> later) {
  value_places goes;
  for (const model::scenario_step& each : later) {
    goes.in_target = goes.in_target || carries(each.request.target, name);
    for (const auto& [field, value] : each.request.headers) goes.in_header = goes.in_header || carries(value, name);
  }
  return goes;
}

// One scenario on its way into the plan: routes for the requests, steps for the sessions.
struct compilation {
  const model::scenario& from;
  const load_options& options;
  std::vector<model::bound_route>& routes;
  session_scenario made = {};

  checked read_values();
  checked read_step(std::size_t index);
  checked bind_names(const model::scenario_step& step, model::bound_route& route) const;
  checked read_extractions(std::size_t index, session_step& into);
  checked run() {
    made.name = from.name;
    made.cookies = from.cookies;
    checked done = read_values();
    for (std::size_t i = 0; done && i < from.steps.size(); ++i) done = read_step(i);
    return done;
  }
};

checked compilation::read_values() {
  for (const auto& [name, source] : from.values) {
    auto drawn = value_draw::create(source, options.seed);
    if (!drawn) return refuse(from.place, fmt::format("{{{}}}: {}", name, drawn.error()));
    const value_places goes = places_of(name, from.steps);
    if (goes.in_target || goes.in_header) {
      // Texts of a file are checked where a request has them for its own; here they are the session's.
      const bool text = source.from == model::value_source::kind::constant;
      for (const std::string& each : text ? std::vector{source.text} : source.choices) {
        const bool fits = (!goes.in_target || http::valid_request({.target = "/" + each})) &&
                          (!goes.in_header || http::valid_request({.headers = {{"x", each}}}));
        if (!fits) return refuse(from.place, fmt::format("{{{}}}: expected what a URL or a header may hold", name));
      }
    }
    made.values.push_back(std::move(*drawn));
    made.variables.push_back(name);
  }
  made.streams = streams_of(made.values);
  return {};
}

// A value of the session is drawn as "0" with the request, and replaced before it is sent.
checked compilation::bind_names(const model::scenario_step& step, model::bound_route& route) const {
  std::vector<std::string> names;
  const auto add = [&names](std::string_view text) { return model::parse_template(text, names).has_value(); };
  bool sound = add(route.target);
  for (const auto& [field, value] : route.headers) sound = sound && add(value);
  if (!sound || !add(route.body)) return {};  // told by whoever compiles the request
  for (const std::string& name : names) {
    if (route.values.contains(name)) continue;
    if (std::ranges::find(made.variables, name) != made.variables.end()) {
      route.values[name] = {.from = model::value_source::kind::constant, .text = "0"};
    } else if (!options.feeds.contains(name)) {
      return refuse(step.place, fmt::format("{{{}}}: expected a value for it: an extract of an earlier step, values of "
                                            "the step or the scenario, or --feed {}=...",
                                            name, name));
    }
  }
  return {};
}

checked compilation::read_extractions(std::size_t index, session_step& into) {
  const model::scenario_step& step = from.steps[index];
  if (step.takes.size() > max_extracted) {
    return refuse(step.place, fmt::format("extract: expected at most {} of a step", max_extracted));
  }
  for (const model::extraction& each : step.takes) {
    auto read = extractor::create(each, places_of(each.name, std::span(from.steps).subspan(index + 1)));
    if (!read) return refuse(step.place, fmt::format("extract.{}: {}", each.name, read.error()));
    into.takes.push_back(std::move(*read));
    const auto known = std::ranges::find(made.variables, each.name);
    into.takes_into.push_back(static_cast<std::size_t>(known - made.variables.begin()));
    if (known == made.variables.end()) made.variables.push_back(each.name);
  }
  return {};
}

checked compilation::read_step(std::size_t index) {
  const model::scenario_step& step = from.steps[index];
  session_step read{.route = routes.size(), .checks = options.checks, .known = made.variables.size()};
  for (const std::string& each : step.checks) {
    if (const checked added = read.checks.add(each); !added) {
      std::string_view why = added.error();
      if (why.starts_with("--")) why.remove_prefix(2);
      return refuse(step.place, why);
    }
  }
  model::bound_route route = step.request;
  const auto is_cookie = [](const auto& field) { return http::equals_ignoring_case(field.first, "cookie"); };
  const bool own_cookies =  // -H is added to every step
      std::ranges::any_of(route.headers, is_cookie) || std::ranges::any_of(options.headers, is_cookie);
  if (from.cookies && own_cookies) {
    return refuse(step.place, "a header cookie beside the session's own: leave it out, or say cookies: false");
  }
  if (const checked bound = bind_names(step, route); !bound) return bound;
  if (route.expected.empty()) route.expected = read.checks.statuses();
  route.name = fmt::format("{}/{}", from.name, route.name);
  route.weight = 1;
  if (const checked taken = read_extractions(index, read); !taken) return taken;
  const bool last = index + 1 == from.steps.size();
  if (!last) read.think = step.think.value_or(from.think.value_or(model::think_time{}));
  routes.push_back(std::move(route));
  made.steps.push_back(std::move(read));
  return {};
}

// Which of a request's placeholders are the session's: known once it is compiled.
void find_given(const request_source& requests, const model::scenario& from, session_scenario& in) {
  for (std::size_t i = 0; i < in.steps.size(); ++i) {
    session_step& step = in.steps[i];
    const std::span<const std::string> names = requests.placeholders(step.route);
    for (std::size_t place = 0; place < names.size(); ++place) {
      const auto end = in.variables.begin() + static_cast<std::ptrdiff_t>(step.known);
      const auto variable = std::find(in.variables.begin(), end, names[place]);
      if (variable == end || from.steps[i].request.values.contains(names[place])) continue;
      step.given.push_back({place, static_cast<std::size_t>(variable - in.variables.begin())});
    }
  }
}

// Its stages, where the file has some; else none.
std::expected<std::vector<stage>, std::string> own_stages(const model::scenario& of) {
  std::vector<stage> all;
  double arrivals = 0;
  for (std::size_t i = 0; i < of.stages.size(); ++i) {
    const auto wrong = [&](std::string_view why) { return refuse(of.place, fmt::format("stages[{}]: {}", i, why)); };
    const auto read = parse_stages(of.stages[i]);
    if (!read) return wrong(read.error());
    for (const stage& each : *read) {
      if (const checked sound = check_stage(each); !sound) return wrong(sound.error());
      arrivals += each.arrivals();
      all.push_back(each);
    }
    if (all.size() > max_stages) return wrong(fmt::format("expected at most {} stages in all", max_stages));
  }
  if (!all.empty() && arrivals == 0) return refuse(of.place, "stages: expected one with a rate above 0");
  return all;
}

duration length_of(const std::vector<stage>& stages) {
  duration whole{};
  for (const stage& each : stages) whole += each.length;
  return whole;
}

double mean_rate(const std::vector<stage>& stages) {
  if (stages.size() == 1 && stages.front().is_even()) return stages.front().rate_per_s;
  double arrivals = 0;
  for (const stage& each : stages) arrivals += each.arrivals();
  return arrivals / std::chrono::duration<double>(length_of(stages)).count();
}

// When the sessions of each scenario come, over the whole run.
using schedules = std::vector<std::vector<stage>>;

// Of the file, each scenario its own rate or stages, or of a single scenario from the command line.
checked check_rates(const std::vector<model::scenario>& scenarios, const load_options& options) {
  const bool typed = options.rate_per_s.has_value() || !options.stages.empty();
  for (const model::scenario& each : scenarios) {
    const bool own = each.rate_per_s || !each.stages.empty();
    if (own && typed) {
      return refuse(each.place, "a rate in the file, and one typed: expected one of them, -R or --stage without this");
    }
    if (!own && scenarios.size() > 1) {
      return refuse(each.place, "missing key \"rate\": sessions a second, or \"stages\"");
    }
    if (!own && !typed) return refuse(each.place, "expected its rate, sessions a second: here, -R or --stage");
  }
  return {};
}

// Those of the file, and what they make of the options: the rate of all together, or the stages. Empty where the
// command line has them.
std::expected<schedules, std::string> set_rates(const std::vector<model::scenario>& scenarios, load_options& options) {
  if (const checked rates = check_rates(scenarios, options); !rates) return std::unexpected(rates.error());
  if (options.rate_per_s || !options.stages.empty()) return schedules{};
  schedules made;
  duration longest{};
  double sum = 0;
  for (const model::scenario& each : scenarios) {
    auto own = own_stages(each);
    if (!own) return std::unexpected(own.error());
    made.push_back(std::move(*own));
    longest = std::max(longest, length_of(made.back()));
    sum += each.rate_per_s.value_or(0);
  }
  const bool in_stages = longest > duration::zero();
  if (in_stages) options.length = longest;
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (made[i].empty()) made[i] = {{.rate_per_s = *scenarios[i].rate_per_s, .length = options.length}};
    const duration rest = options.length - length_of(made[i]);
    if (rest > duration::zero()) made[i].push_back({.length = rest});  // nothing more of it
  }
  if (!in_stages) {
    options.rate_per_s = sum;
    return made;
  }
  options.stages = made.size() == 1 ? made.front() : joint_stages(made);
  if (options.stages.size() > max_stages) {
    return std::unexpected(
        fmt::format("the stages of all scenarios make {} stages of the run, one ends wherever one of "
                    "theirs does: expected at most {}",
                    options.stages.size(), max_stages));
  }
  return made;
}

checked check_names(const std::vector<model::bound_route>& routes) {
  std::set<std::string> names;
  for (const model::bound_route& each : routes) {
    if (names.insert(each.name).second) continue;
    return std::unexpected(fmt::format("two steps \"{}\": expected a name of its own for one of them", each.name));
  }
  return {};
}

checked check_kept(const load_options& options) {
  if (options.keep_seconds && options.length > max_session_seconds) {
    return std::unexpected(
        "duration -d: expected at most 4 h where seconds are kept of sessions (--ndjson, --prometheus, "
        "bursts)");
  }
  const double sessions = options.rate_per_s.value_or(0) * std::chrono::duration<double>(options.length).count();
  if (sessions > max_charged_singly) {
    return std::unexpected(fmt::format("{:.0f} sessions: expected at most {:.0f}", sessions, max_charged_singly));
  }
  return {};
}

checked check_limits(const load_options& options) {
  if (options.threads != 1) return std::unexpected("threads -t: expected 1, sessions run on one thread");
  if (!options.routes.empty()) return std::unexpected("--sessions: the steps bring the requests, expected no others");
  return {};
}

// As many sessions begin in each part of the run; where that changes, the steps of those that began before it go on.
bool is_even(const workload& work, const std::vector<session_scenario>& scenarios) {
  const auto one_rate = [](const std::vector<stage>& of) { return of.size() == 1 && of.front().is_even(); };
  return one_rate(work.stages) &&
         std::ranges::all_of(scenarios, [&](const session_scenario& each) { return one_rate(each.stages); });
}

}  // namespace

std::expected<session_plan, std::string> plan_sessions(const std::vector<model::scenario>& scenarios,
                                                       load_options options) {
  if (scenarios.empty()) return std::unexpected("--sessions: expected at least one scenario");
  if (const checked limits = check_limits(options); !limits) return std::unexpected(limits.error());
  std::expected<schedules, std::string> coming = set_rates(scenarios, options);
  if (!coming) return std::unexpected(coming.error());
  std::vector<session_scenario> compiled;
  std::vector<model::bound_route> routes;
  for (const model::scenario& each : scenarios) {
    compilation one{.from = each, .options = options, .routes = routes};
    if (const checked done = one.run(); !done) return std::unexpected(done.error());
    compiled.push_back(std::move(one.made));
  }
  if (const checked names = check_names(routes); !names) return std::unexpected(names.error());
  options.routes = std::move(routes);
  options.renews_connections = true;
  auto load = normalize(std::move(options));
  if (!load) return std::unexpected(load.error());
  if (const checked kept = check_kept(load->options); !kept) return std::unexpected(kept.error());
  workload work = workload_of(*load);
  work.model = model::load_model::partly_open;
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    session_scenario& each = compiled[i];
    each.stages = coming->empty() ? work.stages : std::move((*coming)[i]);
    each.rate_per_s = mean_rate(each.stages);
    each.arrivals = scenarios[i].arrivals.value_or(load->options.arrivals);
    find_given(work.requests, scenarios[i], each);
  }
  work.keep_parts = is_even(work, compiled);
  return session_plan{.load = std::move(*load), .work = std::move(work), .scenarios = std::move(compiled)};
}

}  // namespace assay::load
