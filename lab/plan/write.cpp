#include "lab/plan/write.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/model/duration.hpp"
#include "lab/plan/read.hpp"

namespace assay::plan {

std::string yaml_scalar(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  constexpr std::array words{"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  const bool plain = !text.empty() && text.size() < 60 && letters.contains(text.front()) &&
                     text.find_first_not_of(std::string(letters) + "0123456789_-./") == text.npos &&
                     std::ranges::find(words, lower) == words.end();
  if (plain) return std::string(text);
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      made += '\\';
      made += c;
    } else if (c == '\n') {
      made += "\\n";
    } else if ((c >= 0 && c < ' ') || c == 0x7f) {
      made += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
    } else {
      made += c;
    }
  }
  return made + "\"";
}

std::string yaml_comment(std::string text) {
  std::ranges::replace_if(text, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return "# " + text + "\n";
}

namespace {

using model::duration_text;

std::string scalar(std::string_view text) { return yaml_scalar(text); }

std::string scalars(const std::vector<std::string>& texts) {
  std::vector<std::string> each(texts.size());
  std::ranges::transform(texts, each.begin(), [](const std::string& text) { return scalar(text); });
  return fmt::format("[{}]", fmt::join(each, ", "));
}

class writer {
 public:
  writer(const model::plan& plan, const plan_notes& notes, const std::filesystem::path& directory)
      : plan_(plan), notes_(notes), directory_(directory.lexically_normal()) {}

  std::string write() {
    for (const std::string& each : notes_.head) out_ += yaml_comment(each);
    add_settings();
    add_objectives();
    add_workload();
    add_phases();
    add_background();
    add_dependencies();
    add_candidates();
    return std::move(out_);
  }

 private:
  template <typename... A>
  void line(fmt::format_string<A...> text, A&&... values) {
    out_ += fmt::format(text, std::forward<A>(values)...) + "\n";
  }
  std::string path(const std::string& absolute) const {
    const std::filesystem::path relative = std::filesystem::path(absolute).lexically_relative(directory_);
    return scalar(relative.empty() ? absolute : relative.string());
  }
  std::string paths(const std::vector<std::string>& absolute) const {
    std::vector<std::string> each(absolute.size());
    std::ranges::transform(absolute, each.begin(), [this](const std::string& one) { return path(one); });
    return fmt::format("[{}]", fmt::join(each, ", "));
  }

  void add_settings() {
    line("version: {}", plan_.version);
    line("name: {}", scalar(plan_.name));
    line("seed: {}  # the same seed repeats arrivals, values, faults and the order of trials", plan_.seed);
    line("repeats: {}  # fresh processes of each candidate, interleaved in random order", plan_.repeats);
    line("connections: {}", plan_.connections);
    line("timeout: {}", duration_text(plan_.timeout));
    line("arrivals: {}", model::label(plan_.arrivals));
    line("reference: {}  # the others are compared with it", scalar(plan_.reference));
    if (!plan_.conformance.empty()) line("conformance: {}", path(plan_.conformance));
    line("stall_threshold: {}", duration_text(std::chrono::nanoseconds(std::llround(plan_.stall_threshold_ms * 1e6))));
  }

  void add_objectives() {
    if (!plan_.objectives.empty()) line("objectives:");
    for (const model::objective& each : plan_.objectives) line("  - {}", scalar(each.text));
    if (!notes_.objectives.empty() || !plan_.proposed.empty()) out_ += '\n';
    for (const std::string& each : notes_.objectives) out_ += yaml_comment(each);
    if (!plan_.proposed.empty()) line("proposed_objectives:");
    for (const model::objective& each : plan_.proposed) {
      if (const auto why = notes_.objective.find(each.text); why != notes_.objective.end()) {
        out_ += "  " + yaml_comment(why->second);
      }
      line("  - {}", scalar(each.text));
    }
  }

  std::string value(const model::value_source& source) const {
    switch (source.from) {
      case model::value_source::kind::constant:
        return fmt::format("{{constant: {}}}", scalar(source.text));
      case model::value_source::kind::integer:
        return fmt::format("{{integer: [{}, {}]}}", source.low, source.high);
      case model::value_source::kind::zipf:
        return fmt::format("{{zipf: {{low: {}, high: {}, exponent: {}}}}}", source.low, source.high, source.exponent);
      case model::value_source::kind::uuid:
        return "uuid";
      case model::value_source::kind::sequence:
        return fmt::format("{{sequence: {}}}", source.low);
      case model::value_source::kind::visitor:
        return fmt::format("{{visitor: {{requests_mean: {}, single_share: {}, at_a_time: {}}}}}", source.requests_mean,
                           source.single_share, source.at_a_time);
      case model::value_source::kind::choice:
        break;
    }
    if (source.feed.empty()) return fmt::format("{{choice: {}}}", scalars(source.choices));
    if (source.column.empty()) return fmt::format("{{feed: {}}}", path(source.feed));
    return fmt::format("{{feed: {}, column: {}}}", path(source.feed), scalar(source.column));
  }

  void add_workload() {
    out_ += '\n';
    for (const std::string& each : notes_.workload) out_ += yaml_comment(each);
    line("workload:");
    for (const model::bound_route& each : plan_.workload) {
      if (const auto note = notes_.routes.find(each.name); note != notes_.routes.end()) {
        out_ += "  " + yaml_comment(note->second);
      }
      line("  - route: {}", scalar(each.name));
      line("    target: {}", scalar(each.target));
      line("    weight: {}", each.weight);
      if (!each.headers.empty()) line("    headers:");
      for (const auto& [name, text] : each.headers) line("      {}: {}", scalar(name), scalar(text));
      if (!each.body.empty()) line("    body: {}", scalar(each.body));
      if (!each.values.empty()) line("    values:");
      for (const auto& [name, source] : each.values) line("      {}: {}", scalar(name), value(source));
      if (!each.expected.empty()) line("    expected: [{}]", fmt::join(each.expected, ", "));
      if (!each.acknowledged_by.empty()) line("    acknowledged_by: {}", scalar(each.acknowledged_by));
    }
  }

  static std::string latency(std::chrono::nanoseconds median, double sigma) {
    return fmt::format("{{median: {}, sigma: {}}}", duration_text(median), sigma);
  }

  static std::string bursts(const model::crowding& of) {
    std::vector<std::string> each;
    if (of.of_rate_per_s > 0) each.push_back(fmt::format("of_rate: {}", of.of_rate_per_s));
    for (const auto& [scale, value] : of.dispersion) each.push_back(fmt::format("dispersion_{}s: {}", scale, value));
    for (const auto& [scale, value] : of.peak) each.push_back(fmt::format("peak_{}s: {}", scale, value));
    return fmt::format("{{{}}}", fmt::join(each, ", "));
  }

  void add_phases() {
    out_ += '\n';
    for (const std::string& each : notes_.phases) out_ += yaml_comment(each);
    line("phases:");
    for (const model::phase& each : plan_.phases) {
      if (const auto note = notes_.phase.find(each.name); note != notes_.phase.end())
        out_ += "  " + yaml_comment(note->second);
      line("  - name: {}", scalar(each.name));
      line("    kind: {}", model::label(each.kind));
      line("    rate: {}", each.rate_per_s);
      line("    length: {}", duration_text(each.length));
      if (!each.shape.empty()) line("    shape: [{}]", fmt::join(each.shape, ", "));
      if (each.bursts) line("    bursts: {}", bursts(*each.bursts));
      line("    full: {{rate: {}, length: {}}}", each.full_rate_per_s, duration_text(each.full_length));
      if (!each.faults.empty()) line("    faults:");
      for (const model::fault& fault : each.faults) {
        const std::string what = fault.kind == model::fault_kind::latency
                                     ? latency(fault.latency_median, fault.latency_sigma)
                                     : std::string("true");
        line("      - {{dependency: {}, {}: {}}}", scalar(fault.dependency), model::label(fault.kind), what);
      }
    }
  }

  void add_background() {
    if (plan_.background.empty()) return;
    line("\nbackground:");
    for (const model::background_task& each : plan_.background) {
      line("  - name: {}", scalar(each.name));
      line("    every: {}", duration_text(each.every));
      line("    after: {}", duration_text(each.after));
      if (each.command.empty()) line("    request: {}", scalar(each.method + " " + each.target));
      if (!each.headers.empty()) line("    headers:");
      for (const auto& [name, text] : each.headers) line("      {}: {}", scalar(name), scalar(text));
      if (!each.body.empty()) line("    body: {}", scalar(each.body));
      if (!each.command.empty()) line("    command: {}", scalars(each.command));
      if (!each.command.empty()) line("    directory: {}", path(each.directory));
      line("    timeout: {}", duration_text(each.timeout));
      if (!each.phases.empty()) line("    phases: {}", scalars(each.phases));
    }
  }

  void add_dependencies() {
    if (plan_.dependencies.empty()) return;
    line("\ndependencies:");
    for (const model::dependency& each : plan_.dependencies) {
      line("  - name: {}", scalar(each.name));
      if (each.kind == model::dependency_kind::http_service) {
        line("    http_service:");
        line("      latency: {}", latency(each.latency_median, each.latency_sigma));
        line("      error_share: {}", each.error_share);
        if (!each.reply.empty()) line("      reply: {}", scalar(each.reply));
        continue;
      }
      line("    postgres:");
      line("      schema: {}", paths(each.schema));
      line("      reset: {}", paths(each.reset));
      line("      reconcile: {}", scalar(each.reconcile_query));
    }
  }

  // What the descriptor says by itself is not repeated.
  void add_reference(const model::candidate& candidate) {
    const auto original = read_candidate(candidate.descriptor);
    if (original && original->name == candidate.name && original->title == candidate.title) {
      return line("  - {}", path(candidate.descriptor));
    }
    line("  - descriptor: {}", path(candidate.descriptor));
    line("    name: {}", scalar(candidate.name));
    line("    title: {}", scalar(candidate.title));
  }

  void add_candidates() {
    line("\ncandidates:");
    for (const model::candidate& each : plan_.candidates) {
      if (!each.descriptor.empty()) {
        add_reference(each);
        continue;
      }
      line("  - name: {}", scalar(each.name));
      line("    title: {}", scalar(each.title));
      line("    runtime: {}", model::label(each.runtime));
      line("    ours: {}", each.ours);
      if (!each.directory.empty()) line("    directory: {}", path(each.directory));
      if (!each.url.empty()) line("    url: {}", scalar(each.url));
      if (!each.build.empty()) line("    build: {}", scalars(each.build));
      if (!each.command.empty()) line("    command: {}", scalars(each.command));
      if (!each.versions.empty()) line("    versions: {}", scalars(each.versions));
      if (!each.environment.empty()) line("    environment:");
      for (const auto& [name, text] : each.environment) line("      {}: {}", scalar(name), scalar(text));
      line("    ready: {{path: {}, timeout: {}}}", scalar(each.ready_path), duration_text(each.ready_timeout));
    }
  }

  const model::plan& plan_;
  const plan_notes& notes_;
  std::filesystem::path directory_;
  std::string out_;
};

}  // namespace

std::string plan_yaml(const model::plan& plan, const plan_notes& notes, const std::filesystem::path& directory) {
  return writer(plan, notes, directory).write();
}

}  // namespace assay::plan
