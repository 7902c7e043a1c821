#include "lab/learn/session_counter.hpp"

#include <functional>

#include "lab/learn/learn.hpp"

namespace assay::learn {
namespace {

constexpr std::chrono::seconds idle_cut{1800};

}  // namespace

void session_counter::add(std::string_view host, std::string_view agent, std::chrono::sys_seconds at) {
  if (last_seen_.size() >= max_sessions_at_once) forget_old(at);
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  const std::uint64_t key = std::hash<std::string_view>()(host) * odd ^ std::hash<std::string_view>()(agent);
  requests_++;
  const auto [place, fresh] = last_seen_.try_emplace(key, at);
  if (fresh || at - place->second > idle_cut) {
    sessions_++;
  } else if (at >= place->second) {
    const auto gap = std::chrono::duration_cast<std::chrono::milliseconds>(at - place->second);
    think_time_ms_.record(static_cast<std::uint64_t>(gap.count()));
  }
  place->second = std::max(place->second, at);
}

// A session that has ended needs no memory: its next request would begin a new one anyway.
void session_counter::forget_old(std::chrono::sys_seconds now) {
  std::erase_if(last_seen_, [now](const auto& each) { return now - each.second > idle_cut; });
  if (last_seen_.size() >= max_sessions_at_once) last_seen_.clear();
}

model::sessions session_counter::summary() const {
  model::sessions made{.key = "address and user agent"};
  made.count = sessions_;
  made.idle_cut_s = static_cast<double>(idle_cut.count());
  if (sessions_ > 0) made.requests_mean = static_cast<double>(requests_) / static_cast<double>(sessions_);
  if (think_time_ms_.count() > 0) {
    made.think_time_p50_s = static_cast<double>(think_time_ms_.value_at_quantile(0.5)) / 1000;
    made.think_time_p90_s = static_cast<double>(think_time_ms_.value_at_quantile(0.9)) / 1000;
  }
  return made;
}

}  // namespace assay::learn
