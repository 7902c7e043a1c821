#include "lab/learn/route_counts.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace assay::learn {
namespace {

constexpr std::size_t most_listed = 256;
constexpr observe::histogram_options size_range{
    .lowest_discernible = 1, .highest_trackable = std::uint64_t{1} << 40U, .significant_digits = 2};

bool is_plural(std::string_view word) {
  return word.size() >= 4 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us") &&
         !word.ends_with("is");
}

std::string singular(std::string_view word) {
  if (word.ends_with("ies") && word.size() > 4) return std::string(word.substr(0, word.size() - 3)) + "y";
  return std::string(word.substr(0, word.size() - 1));
}

// Letters, digits and '_': a name that stands between braces.
std::string as_name(std::string word) {
  std::ranges::replace_if(
      word, [](char c) { return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')); }, '_');
  return word;
}

}  // namespace

bool is_unknown_answer(int status) { return status == 400 || status == 404 || status == 405; }

void size_counts::to_histogram() {
  if (many_) return;
  many_ = observe::histogram::create(size_range).value();
  for (const std::uint64_t bytes : few_) many_->record(bytes);
  few_ = {};
}

void size_counts::record(std::uint64_t bytes) {
  if (!many_ && few_.size() == most_listed) to_histogram();
  if (many_) {
    many_->record(bytes);
  } else {
    few_.push_back(bytes);
  }
}

void size_counts::merge(const size_counts& other) {
  if (!other.many_) {
    for (const std::uint64_t bytes : other.few_) record(bytes);
    return;
  }
  to_histogram();
  [[maybe_unused]] const auto merged = many_->merge(*other.many_);  // same layout: cannot fail
  assert(merged);
}

double size_counts::quantile(double q) const {
  if (many_) return static_cast<double>(std::min(many_->value_at_quantile(q), many_->max()));
  if (few_.empty()) return 0;
  std::vector<std::uint64_t> sorted = few_;
  std::ranges::sort(sorted);
  const double rank = std::ceil(q * static_cast<double>(sorted.size()));
  return static_cast<double>(sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1]);
}

void route_counts::count(const request_seen& request) {
  ++requests;
  if (is_unknown_answer(request.status)) ++unknown;
  ++statuses[request.status];
  sizes.record(request.bytes);
  for (const std::string& key : request.target->query_keys) {
    const auto known = query_keys.find(key);
    if (known != query_keys.end()) {
      ++known->second;
    } else if (query_keys.size() < max_query_keys_a_route) {
      query_keys.emplace(key, 1);
    }
  }
}

void route_counts::merge(const route_counts& other, std::size_t& budget) {
  requests += other.requests;
  unknown += other.unknown;
  for (const auto& [status, count] : other.statuses) statuses[status] += count;
  for (const auto& [key, count] : other.query_keys) {
    if (query_keys.contains(key) || query_keys.size() < max_query_keys_a_route) query_keys[key] += count;
  }
  sizes.merge(other.sizes);
  for (const auto& [depth, counts] : other.values) values[depth].merge(counts, budget);
}

void name_placeholders(std::vector<template_part>& parts) {
  const auto is_taken = [&](const std::string& name) {
    return std::ranges::any_of(parts, [&](const template_part& p) { return p.is_placeholder && p.name == name; });
  };
  int unnamed = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    template_part& part = parts[i];
    if (!part.is_placeholder || !part.name.empty()) continue;
    if (!part.text.empty()) {
      if (!is_taken("file")) part.name = "file";
    } else if (i > 0 && !parts[i - 1].is_placeholder && is_plural(parts[i - 1].text)) {
      const std::string of_noun = as_name(singular(parts[i - 1].text)) + "_id";
      part.name = !is_taken("id") ? "id" : !is_taken(of_noun) ? of_noun : "";
    }
    while (part.name.empty()) {
      const std::string next = "p" + std::to_string(++unnamed);
      if (!is_taken(next)) part.name = next;
    }
  }
}

model::route describe(std::string_view method, const std::vector<template_part>& parts, const route_counts& counts) {
  model::route route;
  route.method = method;
  for (std::size_t depth = 0; depth < parts.size(); ++depth) {
    const template_part& part = parts[depth];
    route.path += '/';
    if (part.is_placeholder) route.path.append("{").append(part.name).append("}");
    route.path += part.text;
    if (!part.is_placeholder) continue;
    const auto values = counts.values.find(depth);
    route.placeholders.push_back(values == counts.values.end() ? value_counts().describe(part.name)
                                                               : values->second.describe(part.name));
  }
  if (parts.empty()) route.path = "/";
  route.requests = counts.requests;
  route.statuses = counts.statuses;
  route.query_keys = counts.query_keys;
  route.response_bytes_p50 = counts.sizes.quantile(0.5);
  route.response_bytes_p99 = counts.sizes.quantile(0.99);
  return route;
}

}  // namespace assay::learn
