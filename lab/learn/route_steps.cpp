#include "lab/learn/route_steps.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace assay::learn {
namespace {

constexpr std::size_t smallest_table = 1024;
constexpr std::uint64_t fewest_followed = 100;  // steps
constexpr std::size_t groups = 8;               // of clients, to see how far the steps of two halves of them lie apart
constexpr unsigned place_bits = 24;             // there are no more places than requests that were followed
constexpr std::uint64_t place_mask = (std::uint64_t{1} << place_bits) - 1;

std::uint64_t key_of(std::uint64_t client, std::uint32_t before, std::uint32_t place) {
  // Other bits than those by which a client is in the sample.
  const std::uint64_t group = client_sample::hash(client) >> 16U & (groups - 1);
  return group << (2 * place_bits) | std::uint64_t{before} << place_bits | place;
}

// Of one group: steps from i to j, and sessions that begin with j, in the last row.
using step_rows = std::vector<std::vector<double>>;

// Between the shares of the steps.
double total_variation(const step_rows& a, const step_rows& b) {
  double all_a = 0;
  double all_b = 0;
  for (std::size_t i = 0; i + 1 < a.size(); ++i) {
    for (std::size_t j = 0; j < a[i].size(); ++j) {
      all_a += a[i][j];
      all_b += b[i][j];
    }
  }
  if (all_a <= 0 || all_b <= 0) return 1;
  double apart = 0;
  for (std::size_t i = 0; i + 1 < a.size(); ++i) {
    for (std::size_t j = 0; j < a[i].size(); ++j) apart += std::abs(a[i][j] / all_a - b[i][j] / all_b);
  }
  return apart / 2;
}

void add_rows(step_rows& to, const step_rows& from) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    for (std::size_t j = 0; j < to[i].size(); ++j) to[i][j] += from[i][j];
  }
}

// Each half is off by sqrt(2) times what the whole is, and two of them from each other by sqrt(2) times that.
double error_of(const std::array<step_rows, groups>& of, const step_rows& none) {
  double apart = 0;
  double halvings = 0;
  for (unsigned half = 1; half < 1U << groups; half += 2) {  // the first group in one of them, so that each counts once
    if (std::popcount(half) != static_cast<int>(groups / 2)) continue;
    std::array<step_rows, 2> sides{none, none};
    for (std::size_t group = 0; group < groups; ++group) add_rows(sides[half >> group & 1U], of[group]);
    apart += total_variation(sides[0], sides[1]);
    halvings += 1;
  }
  return apart / halvings / 2;
}

}  // namespace

route_steps::route_steps() : table_(smallest_table) {}

std::uint64_t& route_steps::times_of(std::vector<counted_step>& table, std::uint64_t key, std::size_t& used) {
  std::size_t at = client_sample::hash(key) >> 32U & (table.size() - 1);
  while (table[at].key != key && table[at].key != 0) at = (at + 1) & (table.size() - 1);
  used += table[at].key == 0 ? 1 : 0;
  table[at].key = key;
  return table[at].times;
}

void route_steps::add(const session_step& step, const visit& at) {
  if (!step.begins && step.before == 0) return;  // it is not known from where
  if (used_ >= max_steps) {
    ++uncounted_;
    return;
  }
  if (2 * (used_ + 1) > table_.size()) {
    const std::vector<counted_step> before = std::exchange(table_, std::vector<counted_step>(2 * table_.size()));
    used_ = 0;
    for (const counted_step& each : before) {
      if (each.key != 0) times_of(table_, each.key, used_) = each.times;
    }
  }
  times_of(table_, key_of(at.client, step.before, at.place), used_) += std::uint64_t{1} << at.halvings;
  followed_ += step.begins ? 0 : 1;
}

model::session_paths route_steps::describe(const std::vector<model::route>& routes,
                                           const std::map<std::string, std::vector<std::uint32_t>>& places) const {
  model::session_paths described;
  if (followed_ < fewest_followed) return described;
  const std::size_t named = std::min(routes.size(), routes_of_steps);
  std::vector<std::size_t> index;  // by place
  for (std::size_t i = 0; i < named; ++i) {
    described.routes.push_back(routes[i].name());
    const auto found = places.find(routes[i].name());
    if (found == places.end()) continue;
    for (const std::uint32_t place : found->second) {
      if (place >= index.size()) index.resize(place + std::size_t{1}, named);
      index[place] = i;
    }
  }
  described.routes.emplace_back("other");
  const auto index_of = [&](std::uint64_t place) { return place < index.size() ? index[place] : named; };
  const std::size_t size = named + 1;
  const step_rows none(size + 1, std::vector<double>(size));
  std::array<step_rows, groups> by_group;
  by_group.fill(none);
  for (const counted_step& each : table_) {
    if (each.key == 0) continue;
    const std::uint64_t before = each.key >> place_bits & place_mask;
    step_rows& rows = by_group[each.key >> (2 * place_bits)];
    rows[before == 0 ? size : index_of(before)][index_of(each.key & place_mask)] += static_cast<double>(each.times);
  }
  step_rows all = none;
  for (const step_rows& each : by_group) add_rows(all, each);
  const auto whole = [](const std::vector<double>& of) { return std::vector<std::uint64_t>(of.begin(), of.end()); };
  for (std::size_t i = 0; i < size; ++i) described.next.push_back(whole(all[i]));
  described.entries = whole(all[size]);
  described.followed = followed_;
  described.error = error_of(by_group, none);
  return described;
}

}  // namespace assay::learn
