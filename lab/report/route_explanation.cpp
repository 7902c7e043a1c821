#include "lab/report/route_explanation.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "lab/model/nearest.hpp"

namespace assay::report {
namespace {

constexpr std::size_t most_nearest = 3;

// "GET /items/{id}" and "GET /items/{item}" are one route.
std::string without_names(std::string_view route) {
  std::string shape;
  bool inside = false;
  for (const char c : route) {
    inside = inside && c != '}';
    if (!inside) shape += c;
    inside = inside || c == '{';
  }
  return shape;
}

// What is typed and what a profile says may hold anything; a message is one line.
std::string printable(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return line;
}

std::string nearest_routes(const model::profile& profile, std::string_view route) {
  std::vector<std::string> names;
  for (const model::route& each : profile.routes) names.push_back(each.name());
  std::vector<std::string> near;
  while (near.size() < most_nearest) {
    const std::string meant = model::nearest(route, names);
    if (meant.empty()) break;
    near.push_back(fmt::format("\"{}\"", printable(meant)));
    std::erase(names, meant);
  }
  if (near.empty()) return "the portrait names them";
  return fmt::format("did you mean {}?", fmt::join(near, " or "));
}

std::string values_text(const model::placeholder& of) {
  std::string text = fmt::format("  {{{}}}: {}{} values of shape {}", printable(of.name),
                                 of.distinct_capped ? "more than " : "", of.distinct, printable(of.shape));
  if (of.least && of.greatest) text += fmt::format(", {} to {}", *of.least, *of.greatest);
  text += of.zipf_exponent ? fmt::format(", popularity by rank ~ rank^-{:.2f}", *of.zipf_exponent)
                           : std::string(", popularity not known well enough");
  text += fmt::format("; the most popular tenth gets {:.0f} % of the requests\n", 100 * of.top_tenth_share);
  const std::string why = of.why.empty() ? "not known; learn the log again" : printable(of.why);
  return text + fmt::format("    values, not words: {}\n", why);
}

// The template with what stood in its placeholders.
std::string path_of(std::string_view route, const std::vector<std::string>& values) {
  std::string path;
  auto value = values.begin();
  for (std::size_t at = 0; at < route.size(); ++at) {
    const std::size_t closes = route[at] == '{' ? route.find('}', at) : route.npos;
    if (closes == route.npos || value == values.end()) {
      path += route[at];
    } else {
      path += *value++;
      at = closes;
    }
  }
  return path;
}

// The commonest first, of those that were sampled.
std::string paths_text(const model::route& route, const std::vector<model::sampled_request>& requests) {
  if (requests.empty() || route.placeholders.empty()) return "";
  std::map<std::string, std::size_t> times;
  for (const model::sampled_request& each : requests) ++times[path_of(route.path, each.values)];
  std::vector<std::pair<std::size_t, std::string>> by_use;
  for (const auto& [path, count] : times) by_use.emplace_back(count, path);
  std::ranges::sort(by_use, [](const auto& a, const auto& b) {
    return std::pair(b.first, std::string_view(a.second)) < std::pair(a.first, std::string_view(b.second));
  });
  std::vector<std::string> shown;
  for (std::size_t i = 0; i < std::min(by_use.size(), paths_shown); ++i) {
    shown.push_back(fmt::format("{} ({})", printable(by_use[i].second), by_use[i].first));
  }
  return fmt::format("  paths, of {} answered requests taken at random: {}{}\n", requests.size(),
                     fmt::join(shown, ", "),
                     by_use.size() > paths_shown ? fmt::format(", {} more", by_use.size() - paths_shown) : "");
}

}  // namespace

std::expected<const model::route*, std::string> find_route(const model::profile& profile, std::string_view route) {
  const std::string wanted = without_names(route);
  const auto found = std::ranges::find_if(
      profile.routes, [&](const model::route& each) { return without_names(each.name()) == wanted; });
  if (found != profile.routes.end()) return &*found;
  return std::unexpected(
      fmt::format("\"{}\": no route of the profile; {}", printable(route), nearest_routes(profile, route)));
}

std::string route_explanation(const model::profile& profile, const model::route& route,
                              const model::log_samples& seen) {
  const model::estimate share = model::share(route.requests, profile.requests);
  std::string text = fmt::format("{}: {} requests, {:.2f} % ({:.2f} to {:.2f}) of the log\n", printable(route.name()),
                                 route.requests, 100 * share.value, 100 * share.low, 100 * share.high);
  for (const model::placeholder& each : route.placeholders) text += values_text(each);
  if (route.placeholders.empty()) text += "  no part of its path was folded\n";
  if (const auto samples = seen.find(route.name()); samples != seen.end()) {
    text += paths_text(route, samples->second.requests);
  }
  std::vector<std::string> keys;
  for (const auto& [key, count] : route.query_keys) keys.push_back(fmt::format("{} ({})", printable(key), count));
  if (!keys.empty()) text += fmt::format("  query keys, and how many requests carry them: {}\n", fmt::join(keys, ", "));
  return text;
}

}  // namespace assay::report
