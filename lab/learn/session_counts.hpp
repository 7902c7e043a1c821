// Sessions: requests of one address and user agent with less than half an hour between them.
//
// Misuse: taking a session for a person. Many people share an address behind a proxy, and a crawler has no end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "lab/model/profile.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::learn {

inline constexpr std::chrono::seconds session_idle_cut{1800};
inline constexpr std::size_t max_open_sessions = 200'000;

class session_counts {
 public:
  session_counts();

  void add(std::string_view address, std::string_view agent, std::chrono::sys_seconds at);

  model::sessions describe() const;
  std::uint64_t untracked() const { return untracked_; }  // requests that found no room

 private:
  void forget_idle(std::chrono::sys_seconds now);

  std::unordered_map<std::uint64_t, std::chrono::sys_seconds> last_seen_;  // by hash of the key
  std::chrono::sys_seconds swept_{};
  std::uint64_t sessions_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t untracked_ = 0;
  observe::histogram gaps_;  // seconds
};

}  // namespace assay::learn
