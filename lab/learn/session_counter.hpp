// Sessions: the requests of one address and user agent without a pause of half an hour. Think time is the gap between
// two requests of a session.
//
// Misuse: taking them for people. Many share an address behind a proxy, and one may have several.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "lab/model/profile.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::learn {

class session_counter {
 public:
  void add(std::string_view host, std::string_view agent, std::chrono::sys_seconds at);
  model::sessions summary() const;

 private:
  void forget_old(std::chrono::sys_seconds now);

  // By a hash of address and agent: neither is kept.
  std::unordered_map<std::uint64_t, std::chrono::sys_seconds> last_seen_;
  std::uint64_t sessions_ = 0;
  std::uint64_t requests_ = 0;
  observe::histogram think_time_ms_ = observe::histogram::with_defaults();
};

}  // namespace assay::learn
