#include "lab/plan/read_scenarios.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "lab/model/feed.hpp"
#include "lab/model/template.hpp"
#include "lab/plan/drafts.hpp"

namespace assay::plan {
namespace {

constexpr double most_think_s = 3600;
constexpr double most_cv = 10;

struct lognormal_draft {
  std::chrono::nanoseconds mean{};
  double cv = 0;
};

struct think_draft : model::think_time {
  std::optional<std::chrono::nanoseconds> constant, exponential;
  std::optional<lognormal_draft> lognormal;
};

struct extract_draft : model::extraction {
  std::string json, header, cookie;
  std::vector<std::string> between;
};

struct step_draft : route_draft {
  std::string title;
  std::vector<std::string> checks;
  std::map<std::string, extract_draft> taken;
  std::optional<think_draft> think;
  place at;
};

struct scenario_draft : model::scenario {
  model::arrival_law law = model::arrival_law::constant;
  std::map<std::string, source_draft> sources;
  std::optional<think_draft> pause;
  std::vector<step_draft> written;
  ::assay::plan::place at;
};

struct file_draft {
  std::vector<scenario_draft> scenarios;
};

bool is_placeholder(const std::string& name) {
  std::vector<std::string> names;
  return model::parse_template("{" + name + "}", names).has_value() && names.size() == 1 && names.front() == name;
}

void finish_think(reader& in, const std::string& path, const yaml_node& node, think_draft& into) {
  using kind = model::think_time::kind;
  if (into.constant.has_value() + into.exponential.has_value() + into.lognormal.has_value() != 1) {
    return in.refuse(node.at, path + ": expected exactly one of constant, exponential, lognormal");
  }
  into.law = into.constant ? kind::constant : into.exponential ? kind::exponential : kind::lognormal;
  into.mean = into.constant ? *into.constant : into.exponential ? *into.exponential : into.lognormal->mean;
  if (into.lognormal) into.cv = into.lognormal->cv;
}

void finish_extract(reader& in, const std::string& path, const yaml_node& node, extract_draft& into) {
  using kind = model::extraction::kind;
  const auto refuse = [&](std::string_view why) { in.refuse(node.at, path + ": " + std::string(why)); };
  const bool parts = !into.between.empty();
  const int sources = !into.json.empty() + !into.header.empty() + !into.cookie.empty();
  if (sources + parts == 0 || sources > 1 || (parts && sources == 1 && into.header.empty())) {
    return refuse("expected exactly one of json, header, cookie, between; between may stand beside header");
  }
  into.from = !into.json.empty()     ? kind::json
              : !into.header.empty() ? kind::header
              : !into.cookie.empty() ? kind::cookie
                                     : kind::body;
  into.what = into.json + into.header + into.cookie;
  if (!parts) return;
  const bool open_end = into.from == kind::header;
  if (into.between.size() != 2 || into.between[0].empty() || (into.between[1].empty() && !open_end)) {
    return refuse(open_end ? "expected between: [BEFORE IT, AFTER IT], the second may be empty: up to the end"
                           : "expected between: [BEFORE IT, AFTER IT], neither empty");
  }
  into.after = into.between[0];
  into.before = into.between[1];
}

const section& lognormal_section() {
  static const section table = [] {
    keys_of<lognormal_draft> keys("lognormal", "a pause of this mean and spread, never below zero");
    keys.duration("mean", &lognormal_draft::mean, 0.001, most_think_s, "of the pause").required();
    keys.number("cv", &lognormal_draft::cv, 0.01, most_cv, "its standard deviation over its mean").required();
    return keys.done();
  }();
  return table;
}

const section& think_section() {
  static const section table = [] {
    keys_of<think_draft> keys("think", "from the end of an answer to the next request: exactly one of these");
    keys.duration("constant", &think_draft::constant, 0, most_think_s, "always so long");
    keys.duration("exponential", &think_draft::exponential, 0.001, most_think_s, "of this mean");
    keys.object("lognormal", &think_draft::lognormal, lognormal_section(), "by mean and cv");
    return keys.finished_by(finish_think);
  }();
  return table;
}

const section& extract_section() {
  static const section table = [] {
    keys_of<extract_draft> keys("extract", "where in the answer a value for later steps stands");
    keys.text("json", &extract_draft::json, "a path in the body: data.items[0].id");
    keys.text("header", &extract_draft::header, "the value of this field, or the part of it that between says");
    keys.text("cookie", &extract_draft::cookie, "the value of the cookie that this answer sets");
    keys.texts("between", &extract_draft::between, "[BEFORE IT, AFTER IT]: two texts in the body, the first that fits");
    return keys.finished_by(finish_extract);
  }();
  return table;
}

void finish_step(reader& in, const std::string& path, const yaml_node& node, step_draft& into) {
  route_section().finish(in, path, node, static_cast<route_draft*>(&into));
  if (in.failed()) return;
  refuse_likeness(in, path, node, into);
  for (const auto& [name, taken] : into.taken) {
    if (!is_placeholder(name)) {
      in.refuse(node.at, fmt::format("{}.extract: {} is no name: expected a letter, then letters, digits, _ and -",
                                     path, in_quotes(name)));
    }
  }
  into.at = node.at;
}

// The keys of a route without those that make no sense in a sequence, and what a session adds.
const section& step_section() {
  static const section table = [] {
    keys_of<step_draft> keys("step", "one request of a session");
    keys.text("name", &step_draft::title, "of its row in the results").otherwise("its route");
    keys.texts("check", &step_draft::checks, "as after --check, beside those: status=201, json:ok=true");
    keys.object_map("extract", &step_draft::taken, extract_section(), "a placeholder of later steps to its source");
    keys.object("think", &step_draft::think, think_section(), "the pause after it, in place of the scenario's");
    section made = keys.finished_by(finish_step);
    for (const key& each : route_section().keys) {
      if (each.name == "weight" || each.name == "acknowledged_by") continue;
      key& added = made.keys.emplace_back(each);
      added.set = [set = each.set](reader& in, const key& self, const std::string& path, const yaml_node& node,
                                   void* into) {
        set(in, self, path, node, static_cast<route_draft*>(static_cast<step_draft*>(into)));
      };
    }
    return made;
  }();
  return table;
}

void finish_scenario(reader& in, const std::string& path, const yaml_node& node, scenario_draft& into) {
  if (into.name.empty()) return in.refuse(node.at, path + ".name: expected a name");
  if (into.rate_per_s && !into.stages.empty()) {
    return in.refuse(node.at, path + ": rate and stages: expected one of them");
  }
  if (const yaml_node* const stages = node.find("stages"); stages != nullptr && into.stages.empty()) {
    return in.refuse(stages->at, path + ".stages: expected at least one");
  }
  if (into.written.size() > model::most_steps) {
    return in.refuse(node.at, fmt::format("{}.steps: expected at most {}", path, model::most_steps));
  }
  if (into.written.back().think) {
    return in.refuse(into.written.back().at, path + ": a think after the last step: expected none, nothing follows");
  }
  for (const auto& [name, source] : into.sources) {
    if (source.visitor && source.visitor->like_log) {
      return in.refuse(node.at, fmt::format("{}.values.{}.visitor.like_log: for bindings only", path, name));
    }
    into.values[name] = source;
  }
  if (node.find("arrivals") != nullptr) into.arrivals = into.law;
  into.at = node.at;
}

const section& scenario_section() {
  static const section table = [] {
    keys_of<scenario_draft> keys("scenario", "sessions of one kind");
    keys.text("name", &scenario_draft::name, "before the names of its steps").required();
    keys.number("rate", &scenario_draft::rate_per_s, least_rate, most_rate,
                "sessions a second; of a single scenario -R or --stage may say it");
    keys.texts(
        "stages", &scenario_draft::stages,
        "in place of rate, in sessions a second, as after --stage: 30s@100, 1m@100..500, 5x(30s@100*10, 1m@100)");
    keys.word("arrivals", &scenario_draft::law, std::vector{model::arrival_law::constant, model::arrival_law::poisson},
              "of the sessions")
        .otherwise("that of --arrivals");
    keys.flag("cookies", &scenario_draft::cookies, "each session keeps those it gets and sends them");
    keys.object_map("values", &scenario_draft::sources, values_section(),
                    "placeholders whose value is drawn once a session", source_from_text);
    keys.object("think", &scenario_draft::pause, think_section(), "the pause after each step that has none of its own");
    keys.objects("steps", &scenario_draft::written, step_section(), "in their order").required();
    return keys.finished_by(finish_scenario);
  }();
  return table;
}

const section& file_section() {
  static const section table = [] {
    keys_of<file_draft> keys("sessions", "what users do one after the other");
    keys.objects("scenarios", &file_draft::scenarios, scenario_section(), "each with a rate of its own").required();
    return keys.done();
  }();
  return table;
}

std::string place_text(const std::string& file, place at) { return fmt::format("{}:{}:{}", file, at.line, at.column); }

model::scenario_step step_of(const std::string& file, step_draft& from) {
  model::scenario_step made{.checks = std::move(from.checks), .place = place_text(file, from.at)};
  if (from.think) made.think = *from.think;
  for (auto& [name, taken] : from.taken) {
    taken.name = name;
    made.takes.push_back(taken);
  }
  if (!from.title.empty()) from.name = from.title;
  made.request = static_cast<model::bound_route&>(from);
  return made;
}

}  // namespace

std::expected<std::vector<model::scenario>, std::string> read_scenarios(const std::string& path) {
  const auto text = model::read_whole(path, most_document_bytes);
  if (!text) return std::unexpected(text.error());
  const auto root = parse_yaml(path, *text);
  if (!root) return std::unexpected(root.error());
  std::error_code ignored;  // an absolute path needs no working directory
  reader in(path, std::filesystem::absolute(path, ignored).parent_path());
  file_draft draft;
  decode(in, file_section(), "", *root, &draft);
  if (!in.failed() && draft.scenarios.size() > model::most_scenarios) {
    in.refuse(root->at, fmt::format("scenarios: expected at most {}", model::most_scenarios));
  }
  std::set<std::string> names;
  std::vector<model::scenario> made;
  for (scenario_draft& each : draft.scenarios) {
    if (in.failed()) break;
    if (!names.insert(each.name).second) {
      in.refuse(each.at, fmt::format("a second scenario {}: expected a name of its own", in_quotes(each.name)));
    }
    if (each.pause) each.think = *each.pause;
    static_cast<model::scenario&>(each).place = place_text(path, each.at);
    for (step_draft& step : each.written) each.steps.push_back(step_of(path, step));
    made.push_back(static_cast<model::scenario&>(each));
  }
  if (in.failed()) return std::unexpected(in.error());
  return made;
}

}  // namespace assay::plan
