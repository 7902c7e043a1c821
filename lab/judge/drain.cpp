#include "lab/judge/drain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

namespace assay::judge {
namespace {

using model::cause;
using model::phase_measurement;

// A rest, and how many requests came between the rest before it and its begin.
struct cycle {
  const phase_measurement* rest = nullptr;
  double requests = 0;
};

std::vector<cycle> cycles_of(const model::trial& of) {
  double highest = 0;
  for (const phase_measurement& each : of.phases) {
    if (each.kind == model::phase_kind::steady) highest = std::max(highest, each.offered_rps);
  }
  std::vector<cycle> made;
  double requests = 0;
  for (const phase_measurement& each : of.phases) {
    const bool rests = each.offered_rps <= rest_rate_share * highest && each.length_s >= rest_least_s;
    if (!rests) {
      requests += static_cast<double>(each.all.offered);
      continue;
    }
    if (requests > 0) made.push_back({&each, requests});
    requests = 0;
  }
  return made;
}

std::span<const model::process_second> last_half(const model::trial& of, const phase_measurement& rest) {
  const auto first =
      std::ranges::lower_bound(of.processes, rest.start_s + rest.length_s / 2, {}, &model::process_second::at_s);
  const auto last =
      std::ranges::upper_bound(of.processes, rest.start_s + rest.length_s, {}, &model::process_second::at_s);
  return first < last ? std::span(first, last) : std::span<const model::process_second>{};
}

template <typename Field>
double least(std::span<const model::process_second> looks, Field field) {
  return static_cast<double>(std::ranges::min(looks, {}, field).*field);
}

// What the test is about, and how its numbers are told.
struct drained {
  cause kind;
  const char* what;
  const char* unit;
  double scale;
  double least_growth;
  residue drain_result::* left;
};
constexpr std::array drained_kinds{
    drained{cause::memory_leak, "anonymous memory", "MB", 1e6, drain_least_bytes, &drain_result::memory},
    drained{cause::socket_leak, "open sockets", "sockets", 1, drain_least_count, &drain_result::sockets},
    drained{cause::descriptor_leak, "open descriptors", "descriptors", 1, drain_least_count,
            &drain_result::descriptors},
    drained{cause::thread_leak, "running threads", "threads", 1, drain_least_count, &drain_result::threads}};

std::string left_text(const drained& what, const residue& left) {
  return fmt::format("after the first rest {:.4g} {} were left, after the second {:.4g}", left.after_first / what.scale,
                     what.unit, left.after_second / what.scale);
}

void judge_one(model::diagnosis& to, const drained& what, const drain_result& seen) {
  const residue& left = seen.*what.left;
  const bool grew = left.grew(what.least_growth);
  const auto found = std::ranges::find(to.findings, what.kind, &model::named_cause::kind);
  if (found == to.findings.end()) {
    if (grew) to.remarks.push_back(fmt::format("{}: {}, of the same load", what.what, left_text(what, left)));
    return;
  }
  if (!grew) {
    to.remarks.push_back(fmt::format("{} grew under load and is no leak: {}: a pool, a cache or an allocator keeps it",
                                     what.what, left_text(what, left)));
    to.findings.erase(found);
    return;
  }
  const double gained = (left.after_second - left.after_first) / what.scale;
  found->text += fmt::format("; {} ({:.3g} {} in 1,000 requests)", left_text(what, left),
                             1e3 * gained / std::max(1.0, seen.requests), what.unit);
  found->numbers.push_back({what.scale > 1 ? "left_mb_per_1000_requests" : "left_count_per_1000_requests",
                            1e3 * gained / std::max(1.0, seen.requests)});
}

}  // namespace

bool residue::grew(double least_growth) const {
  return after_second - after_first > std::max(least_growth, drain_least_share * after_first);
}

std::optional<drain_result> drain_of(const model::trial& of) {
  const std::vector<cycle> cycles = cycles_of(of);
  if (cycles.size() < 2) return std::nullopt;
  const cycle& first = cycles[cycles.size() - 2];
  const cycle& second = cycles.back();
  if (std::abs(first.requests - second.requests) > same_load_share * first.requests) return std::nullopt;
  const auto after_first = last_half(of, *first.rest);
  const auto after_second = last_half(of, *second.rest);
  if (after_first.empty() || after_second.empty()) return std::nullopt;
  const auto both = [&](auto field) { return residue{least(after_first, field), least(after_second, field)}; };
  const phase_measurement* const before = cycles.size() > 2 ? cycles[cycles.size() - 3].rest : nullptr;
  return drain_result{.memory = both(&model::process_second::anonymous_bytes),
                      .descriptors = both(&model::process_second::descriptors),
                      .sockets = both(&model::process_second::sockets),
                      .threads = both(&model::process_second::threads),
                      .requests = second.requests,
                      .begin_s = before == nullptr ? 0 : before->start_s + before->length_s,
                      .end_s = second.rest->start_s};
}

void apply_drain_test(model::diagnosis& to, const model::trial& of) {
  const auto seen = drain_of(of);
  if (!seen) return;
  for (const drained& each : drained_kinds) judge_one(to, each, *seen);
}

}  // namespace assay::judge
