#include "lab/learn/learn.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/learn/log_merge.hpp"
#include "lab/learn/workload_counts.hpp"

namespace assay::learn {
namespace {

std::expected<std::vector<route_pattern>, std::string> patterns_of(const learn_options& options) {
  std::vector<route_pattern> patterns;
  for (const std::string& each : options.routes) {
    auto pattern = parse_route_pattern(each);
    if (!pattern) return std::unexpected(pattern.error());
    patterns.push_back(std::move(*pattern));
  }
  for (const std::string& each : options.described) {
    auto pattern = parse_route_pattern(each);
    if (!pattern) return std::unexpected(options.description + ": " + pattern.error());
    pattern->described_by = options.description;
    for (template_part& part : pattern->parts) {
      if (part.is_placeholder) part.why = "named by the service's description";
    }
    patterns.push_back(std::move(*pattern));
  }
  return patterns;
}

// A log that has just been rotated is empty; that all are is a mistake.
std::expected<void, std::string> check_any(const std::vector<model::log_source>& sources, const merge_facts& facts) {
  if (std::ranges::any_of(sources, [](const model::log_source& each) { return each.lines > 0; })) return {};
  const std::string name = name_of(sources.front().path);
  if (facts.set_aside == 0) return std::unexpected(name + ": is empty; expected an access log");
  return std::unexpected(
      fmt::format("{}: expected an access log; all {} lines are headers, comments or entries of another kind", name,
                  facts.set_aside));
}

}  // namespace

std::expected<void, std::string> check(const learn_options& options) {
  if (options.files.empty() || options.files.size() > max_files) {
    return std::unexpected(fmt::format("FILE: expected 1 to {} files", max_files));
  }
  if (std::ranges::count(options.files, "-") > 1) return std::unexpected("FILE -: expected standard input once");
  if (options.routes.size() + options.described.size() > max_named_routes) {
    return std::unexpected(
        fmt::format("--route: expected at most {}, those of --openapi among them", max_named_routes));
  }
  const auto patterns = patterns_of(options);
  if (!patterns) return std::unexpected(patterns.error());
  if (const auto formats = format_choice::parse(options.format); !formats) return std::unexpected(formats.error());
  return {};
}

std::expected<model::profile, std::string> learn(const learn_options& options) {
  if (const auto sound = check(options); !sound) return std::unexpected(sound.error());
  auto paths = input_paths(options.files);
  if (!paths) return std::unexpected(paths.error());
  const format_choice formats = *format_choice::parse(options.format);
  log_merge inputs(std::move(*paths), formats);
  if (const auto started = inputs.start(); !started) return std::unexpected(started.error());
  workload_counts all(*patterns_of(options));
  for (;;) {
    const auto line = inputs.next();
    if (!line) return std::unexpected(line.error());
    if (*line == nullptr) break;
    all.add(**line);
  }
  model::profile profile;
  profile.tool_version = ASSAY_VERSION;
  profile.sources = inputs.sources();
  if (const auto any = check_any(profile.sources, inputs.facts()); !any) return std::unexpected(any.error());
  all.describe(profile, inputs.facts());
  if (inputs.crowded()) {
    profile.notes.push_back(
        fmt::format("more than {} files overlap in time; they were not all read in its order", max_open_inputs));
  }
  for (const model::log_source& each : profile.sources) {
    if (each.lines == 0) profile.notes.push_back(name_of(each.path) + " is empty");
  }
  return profile;
}

}  // namespace assay::learn
