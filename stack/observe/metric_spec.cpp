#include "stack/observe/metric_spec.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace assay::observe {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= max_metric_name_bytes && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::string_view wrong_name(const metric_spec& spec, metric_kind kind) {
  const std::string_view name = spec.name;
  if (!is_name(name)) return "a name is a letter or '_', then letters, digits and '_', at most 128";
  const bool is_counter = kind == metric_kind::counter;
  if (name.ends_with("_total") != is_counter) return "counters end in _total, and nothing else does";
  constexpr std::array<std::string_view, 5> taken = {"_bucket", "_sum", "_count", "_created", "_info"};
  if (std::ranges::any_of(taken, [name](std::string_view ending) { return name.ends_with(ending); })) {
    return "_bucket, _sum, _count, _created and _info are added by the format";
  }
  const bool in_seconds = name.ends_with(is_counter ? "_seconds_total" : "_seconds");
  if (in_seconds != (spec.unit == metric_unit::nanoseconds)) return "times are recorded in ns and named _seconds";
  return {};
}

std::string_view wrong_labels(const std::vector<std::string>& labels) {
  if (labels.size() > max_metric_labels) return "at most 8 labels";
  for (const std::string& each : labels) {
    if (!is_name(each)) return "a label is a letter or '_', then letters, digits and '_'";
    if (each.starts_with("__") || each == "le" || each == "quantile") return "this label is the format's own";
  }
  if (std::set(labels.begin(), labels.end()).size() != labels.size()) return "the same label twice";
  return {};
}

std::string_view wrong_bounds(const std::vector<std::uint64_t>& bounds, metric_kind kind) {
  if (kind != metric_kind::distribution) return bounds.empty() ? "" : "only a distribution has bounds";
  if (bounds.empty() || bounds.size() > max_bounds) return "1 to 64 bounds";
  const bool ascending = std::ranges::adjacent_find(bounds, std::ranges::greater_equal()) == bounds.end();
  return ascending ? "" : "bounds ascend";
}

}  // namespace

std::expected<void, std::string> check(const metric_spec& spec, metric_kind kind) {
  std::string_view wrong = wrong_name(spec, kind);
  if (wrong.empty()) wrong = wrong_labels(spec.labels);
  if (wrong.empty()) wrong = wrong_bounds(spec.bounds, kind);
  if (wrong.empty() && spec.help.empty()) wrong = "say in `help` what it counts";
  if (wrong.empty() && (spec.max_series < 1 || spec.max_series > most_series)) wrong = "max_series is 1 to 10000";
  if (wrong.empty()) return {};
  return std::unexpected("metric \"" + spec.name + "\": " + std::string(wrong));
}

std::vector<std::uint64_t> latency_bounds_ns() {
  constexpr std::uint64_t us = 1000;
  std::vector<std::uint64_t> bounds = {500 * us};
  for (std::uint64_t decade = 1000 * us; decade <= 1'000'000 * us; decade *= 10) {
    bounds.insert(bounds.end(), {decade, decade * 5 / 2, decade * 5});
  }
  bounds.push_back(10'000'000 * us);
  return bounds;
}

}  // namespace assay::observe
