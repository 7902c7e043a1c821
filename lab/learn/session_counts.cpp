#include "lab/learn/session_counts.hpp"

#include <algorithm>
#include <functional>

#include "stack/observe/quantile.hpp"

namespace assay::learn {
namespace {

constexpr observe::histogram_options gap_range{
    .lowest_discernible = 1, .highest_trackable = 3600, .significant_digits = 3};

}  // namespace

session_counts::session_counts() : gaps_(observe::histogram::create(gap_range).value()) {}

void session_counts::forget_idle(std::chrono::sys_seconds now) {
  std::erase_if(last_seen_, [&](const auto& each) { return std::chrono::abs(now - each.second) >= session_idle_cut; });
  swept_ = now;
}

void session_counts::add(std::string_view address, std::string_view agent, std::chrono::sys_seconds at) {
  const std::hash<std::string_view> hash;
  const std::uint64_t key = hash(address) * 0x9e3779b97f4a7c15U ^ hash(agent);
  auto known = last_seen_.find(key);
  if (known == last_seen_.end()) {
    constexpr std::chrono::seconds between_sweeps{60};  // a sweep looks at all
    if (last_seen_.size() >= max_open_sessions && std::chrono::abs(at - swept_) >= between_sweeps) forget_idle(at);
    if (last_seen_.size() >= max_open_sessions) {
      ++untracked_;
      return;
    }
    last_seen_.emplace(key, at);
    ++sessions_;
    ++requests_;
    return;
  }
  ++requests_;
  const std::chrono::seconds gap = at - known->second;
  // Far back is another session as well: rotated logs are often named newest first.
  if (std::chrono::abs(gap) >= session_idle_cut) {
    ++sessions_;
    known->second = at;
    return;
  }
  // Lines are written as requests end: a little disorder is no negative time to think.
  gaps_.record(static_cast<std::uint64_t>(std::max(gap, std::chrono::seconds(0)).count()));
  known->second = std::max(known->second, at);
}

model::sessions session_counts::describe() const {
  model::sessions described;
  described.key = "address and user agent";
  described.count = sessions_;
  described.idle_cut_s = static_cast<double>(session_idle_cut.count());
  if (sessions_ > 0) described.requests_mean = static_cast<double>(requests_) / static_cast<double>(sessions_);
  if (observe::estimable(0.5, gaps_.count())) {
    described.think_time_p50_s = static_cast<double>(gaps_.value_at_quantile(0.5));
  }
  if (observe::estimable(0.9, gaps_.count())) {
    described.think_time_p90_s = static_cast<double>(gaps_.value_at_quantile(0.9));
  }
  return described;
}

}  // namespace assay::learn
