#include "lab/judge/holders.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <string>

namespace assay::judge {
namespace {

using model::cause;
using model::runtime_look;

constexpr std::size_t least_looks = 6;
constexpr std::size_t begin_share = 3;  // the first third is compared with the last
constexpr double megabyte = 1e6;
constexpr double least_megabytes = 1;
constexpr std::uint64_t least_count = 8;
constexpr std::uint64_t least_late_share = 4;  // of its rise that comes after the middle third: a quarter

struct parts {
  std::span<const runtime_look> before;
  std::span<const runtime_look> between;
  std::span<const runtime_look> after;
};

// The least of each part: between two collections the heap only rises.
double least_mb(std::span<const runtime_look> looks, std::uint64_t runtime_look::* what) {
  return static_cast<double>(std::ranges::min(looks, {}, what).*what) / megabyte;
}

std::string memory_holder(const parts& of) {
  const double heap_before = least_mb(of.before, &runtime_look::heap_used_bytes);
  const double heap_after = least_mb(of.after, &runtime_look::heap_used_bytes);
  const double outside_before = least_mb(of.before, &runtime_look::external_bytes);
  const double outside_after = least_mb(of.after, &runtime_look::external_bytes);
  const bool outside = outside_after - outside_before > heap_after - heap_before;
  if (std::max(outside_after - outside_before, heap_after - heap_before) < least_megabytes) return {};
  return fmt::format("; {} grew from {:.1f} to {:.1f} MB, {} from {:.1f} to {:.1f} MB",
                     outside ? "buffers outside of the heap" : "objects in the heap",
                     outside ? outside_before : heap_before, outside ? outside_after : heap_after,
                     outside ? "the heap" : "buffers outside of it", outside ? heap_before : outside_before,
                     outside ? heap_after : outside_after);
}

std::uint64_t least_active(std::span<const runtime_look> looks, const std::string& kind) {
  std::uint64_t least = UINT64_MAX;
  for (const auto& each : looks) {
    const auto found = each.active.find(kind);
    least = std::min(least, found == each.active.end() ? 0 : found->second);
  }
  return least;
}

std::string active_holder(const parts& of) {
  std::string most;
  std::uint64_t most_before = 0;
  std::uint64_t most_after = 0;
  for (const auto& [kind, count] : of.after.back().active) {
    const auto before = least_active(of.before, kind);
    const auto after = least_active(of.after, kind);
    if (after < before + least_count || after - before <= most_after - most_before) continue;
    // The connections of those who come with the load rise once.
    const auto between = least_active(of.between, kind);
    if (after < between || (after - between) * least_late_share < after - before) continue;
    most = kind;
    most_before = before;
    most_after = after;
  }
  return most.empty() ? std::string() : fmt::format("; active {} rose from {} to {}", most, most_before, most_after);
}

constexpr double held_s = 1.5;  // longer than from one look to the next

// A look in which nothing has changed is left out: what was said before a part may be true in it.
std::span<const runtime_look> part_of(std::span<const runtime_look> looks, double from_s, double to_s) {
  const auto at = [&](double when_s) {
    return static_cast<std::size_t>(std::ranges::lower_bound(looks, when_s, {}, &runtime_look::at_s) - looks.begin());
  };
  std::size_t first = at(from_s);
  const std::size_t end = at(to_s);
  if (first > 0 && (first == end || looks[first].at_s - looks[first - 1].at_s > held_s)) --first;
  return looks.subspan(first, end - first);
}

}  // namespace

void name_holders(model::diagnosis& of, std::span<const runtime_look> looks, double end_s) {
  if (looks.size() < least_looks) return;
  const double begin_s = looks.front().at_s;
  const double third_s = (std::max(end_s, looks.back().at_s) - begin_s) / static_cast<double>(begin_share);
  if (third_s <= 0) return;
  const parts compared{part_of(looks, begin_s, begin_s + third_s),
                       part_of(looks, begin_s + third_s, begin_s + 2 * third_s),
                       part_of(looks, begin_s + 2 * third_s, std::numeric_limits<double>::infinity())};
  const bool is_verdict = !of.findings.empty() && of.text == of.findings.front().text;
  for (auto& each : of.findings) {
    const bool of_memory = each.kind == cause::memory_leak;
    if (of_memory) each.text += memory_holder(compared);
    // A thread is none of the runtime's tasks.
    if (is_leak(each.kind) && each.kind != cause::thread_leak) each.text += active_holder(compared);
  }
  if (is_verdict) of.text = of.findings.front().text;
}

}  // namespace assay::judge
