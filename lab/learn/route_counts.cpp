#include "lab/learn/route_counts.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace assay::learn {
namespace {

constexpr unsigned exact_bits = 8;         // sizes below 256 have a bucket each
constexpr std::size_t fewest_buckets = 8;  // that a route has whatever the others have taken
constexpr std::size_t per_doubling = 128;  // buckets from a size to its double: 1/128 is within 1 %
constexpr std::size_t exact = std::size_t{1} << exact_bits;
constexpr std::size_t every_bucket = exact + (64 - exact_bits) * per_doubling;
constexpr std::size_t longest_query_key = 64;
constexpr std::size_t fewest_slots = 8;
constexpr unsigned key_bits = 13;  // of a slot, for the bucket; 51 are left for how often it was met
constexpr std::uint64_t key_mask = (std::uint64_t{1} << key_bits) - 1;
static_assert(every_bucket < key_mask);

std::size_t bucket_of(std::uint64_t bytes) {
  if (bytes < exact) return bytes;
  const auto shift = static_cast<unsigned>(std::bit_width(bytes)) - exact_bits;
  return exact + (shift - 1) * per_doubling + static_cast<std::size_t>((bytes >> shift) - per_doubling);
}

// The largest size in it.
std::uint64_t top_of(std::size_t bucket) {
  if (bucket < exact) return bucket;
  const std::size_t shift = (bucket - exact) / per_doubling + 1;
  const std::uint64_t lead = (bucket - exact) % per_doubling + per_doubling;
  return (lead << shift) + ((std::uint64_t{1} << shift) - 1);
}

std::uint64_t bottom_of(std::size_t bucket) { return bucket == 0 ? 0 : top_of(bucket - 1) + 1; }

// "?dGhpc2lzYXRva2Vu" is a value without a key, and values are not kept.
bool is_key(std::string_view text) { return text.size() <= longest_query_key && !is_typed(classify(text)); }

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

std::size_t size_counts::slot_of(std::size_t bucket) const {
  constexpr std::uint32_t golden = 2'654'435'769U;  // 2^32 by the golden ratio: D. E. Knuth, volume 3, 6.4
  const std::uint64_t key = bucket + 1;
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = (static_cast<std::uint32_t>(key) * golden >> 16) & mask;
  while (slots_[at] != 0 && (slots_[at] & key_mask) != key) at = (at + 1) & mask;
  return at;
}

void size_counts::rebuild(const std::vector<met>& from, std::size_t slots) {
  slots_.assign(slots, 0);
  used_ = 0;
  for (const met& each : from) {
    std::uint64_t& slot = slots_[slot_of(each.bucket)];
    used_ += slot == 0 ? 1 : 0;
    slot = slot == 0 ? each.times << key_bits | (each.bucket + 1) : slot + (each.times << key_bits);
  }
}

std::vector<size_counts::met> size_counts::ascending() const {
  std::vector<met> all;
  all.reserve(used_);
  for (const std::uint64_t slot : slots_) {
    if (slot != 0) all.push_back({.bucket = (slot & key_mask) - 1, .times = slot >> key_bits});
  }
  std::ranges::sort(all, {}, &met::bucket);
  return all;
}

// Halves the number of buckets, at most.
void size_counts::widen(std::size_t& left) {
  ++width_;
  std::vector<met> all = ascending();
  for (met& each : all) each.bucket /= 2;
  const std::size_t before = used_;
  rebuild(all, slots_.size());
  left += before - used_;
}

void size_counts::add(std::uint64_t bytes, std::uint64_t times, std::size_t& left) {
  most_ = std::max(most_, bytes);
  if (slots_.empty()) slots_.resize(fewest_slots);
  for (;;) {
    const std::size_t bucket = bucket_of(bytes) >> width_;
    std::uint64_t& slot = slots_[slot_of(bucket)];
    if (slot != 0) {
      slot += times << key_bits;
      return;
    }
    if (left == 0 && used_ >= fewest_buckets) {
      widen(left);
      continue;
    }
    slot = times << key_bits | (bucket + 1);
    if (left > 0) --left;
    if (4 * ++used_ > 3 * slots_.size()) rebuild(ascending(), 2 * slots_.size());
    return;
  }
}

void size_counts::merge(const size_counts& other, std::size_t& left) {
  const std::uint64_t most = std::max(most_, other.most_);
  left += other.used_;
  while (width_ < other.width_) widen(left);
  for (const met& each : other.ascending()) add(top_of(each.bucket << other.width_), each.times, left);
  most_ = most;
}

double size_counts::quantile(double q) const {
  const std::vector<met> all = ascending();
  double sum = 0;
  for (const met& each : all) sum += static_cast<double>(each.times);
  const auto rank = static_cast<std::uint64_t>(std::max(std::ceil(q * sum), 1.0));
  std::uint64_t seen = 0;
  for (const met& each : all) {
    seen += each.times;
    const std::size_t last = ((each.bucket + 1) << width_) - 1;
    if (seen >= rank) return static_cast<double>(std::min(top_of(std::min(last, bucket_of(most_))), most_));
  }
  return 0;
}

std::vector<counted_amounts> size_counts::amounts() const {
  std::vector<counted_amounts> all;
  for (const met& each : ascending()) {
    const std::size_t last = std::min(((each.bucket + 1) << width_) - 1, every_bucket - 1);
    const std::uint64_t least = bottom_of(each.bucket << width_);
    all.push_back({.least = least, .most = std::max(least, std::min(top_of(last), most_)), .times = each.times});
  }
  return all;
}

size_table::size_table() : counts_(every_bucket) {}

void size_table::record(std::uint64_t bytes) {
  ++counts_[bucket_of(bytes)];
  most_ = std::max(most_, bytes);
}

size_counts size_table::counted() const {
  size_counts made;
  std::size_t room = every_bucket;
  for (std::size_t bucket = 0; bucket < every_bucket; ++bucket) {
    if (counts_[bucket] > 0) made.add(top_of(bucket), counts_[bucket], room);
  }
  made.most_ = most_;
  return made;
}

std::optional<model::durations> durations_of(const size_counts& times) {
  const std::vector<counted_amounts> amounts = times.amounts();
  if (amounts.empty()) return std::nullopt;
  model::durations made;
  double sum = 0;
  for (const counted_amounts& each : amounts) {
    made.requests += each.times;
    sum += static_cast<double>(each.times) * (static_cast<double>(each.least) + static_cast<double>(each.most)) / 2;
  }
  const auto seconds = [&](double q) { return times.quantile(q) * 1e-6; };
  made.mean_s = sum / static_cast<double>(made.requests) * 1e-6;
  made.p50_s = seconds(0.5);
  made.p90_s = seconds(0.9);
  made.p99_s = seconds(0.99);
  made.p999_s = seconds(0.999);
  return made;
}

void route_counts::count(const answer& given, std::uint32_t times, room& left) {
  requests += times;
  blocks.add(given.at, times);
  if (is_unknown_answer(given.status)) unknown += times;
  count_status(given.status, times);
  sizes.record(given.bytes, left.size_buckets, times);
}

void route_counts::count_status(int status, std::uint64_t times) {
  const auto known = std::ranges::find(statuses, status, &status_count::status);
  if (known == statuses.end()) {
    statuses.push_back({.status = status, .requests = times});
  } else {
    known->requests += times;
  }
}

void route_counts::count_keys(const split_target& target, std::uint64_t times) {
  for (const std::string_view key : target.query_keys) {
    const auto known = query_keys.find(key);
    if (known != query_keys.end()) {
      known->second += times;
    } else if (query_keys.size() < max_query_keys_a_route && is_key(key)) {
      query_keys.emplace(key, times);
    }
  }
}

void route_counts::merge(const route_counts& other, room& left) {
  requests += other.requests;
  unknown += other.unknown;
  blocks.merge(other.blocks);
  for (const auto& [status, count] : other.statuses) count_status(status, count);
  for (const auto& [key, count] : other.query_keys) {
    if (query_keys.contains(key) || query_keys.size() < max_query_keys_a_route) query_keys[key] += count;
  }
  sizes.merge(other.sizes, left.size_buckets);
  for (const auto& [depth, counts] : other.values) values[depth].merge(counts, left.values);
  took.merge(other.took, left.time_buckets);
  if (other.place != 0) merged_places.push_back(other.place);
  merged_places.insert(merged_places.end(), other.merged_places.begin(), other.merged_places.end());
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
    route.placeholders.back().why = part.why;
  }
  if (parts.empty()) route.path = "/";
  route.requests = counts.requests;
  for (const auto& [status, count] : counts.statuses) route.statuses[status] = count;
  route.query_keys.insert(counts.query_keys.begin(), counts.query_keys.end());
  route.response_bytes_p50 = counts.sizes.quantile(0.5);
  route.response_bytes_p99 = counts.sizes.quantile(0.99);
  route.latency = durations_of(counts.took);
  return route;
}

}  // namespace assay::learn
