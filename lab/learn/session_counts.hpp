// Sessions: requests of one address and user agent with less than half an hour between them.
//
// Misuse: taking a session for a person. Many people share an address behind a proxy, and a crawler has no end.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <vector>

#include "lab/learn/route_counts.hpp"
#include "lab/model/profile.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::learn {

inline constexpr std::chrono::seconds session_idle_cut{1800};
inline constexpr std::size_t max_open_sessions = 200'000;

// What tells sessions apart; never 0.
std::uint64_t session_key(std::string_view address, std::string_view agent);

// What a request is in its session.
struct session_step {
  bool begins = false;
  std::uint32_t before = 0;  // where the request before it was, as add() was told; 0: not known
};

class session_counts {
 public:
  session_counts();

  // Says that a request of this session will be added soon: its place is fetched into the CPU's caches meanwhile.
  void expect(std::uint64_t key) const { __builtin_prefetch(&table_[key & (table_.size() - 1)]); }
  // `place`: of its route, if the client is followed.
  session_step add(std::uint64_t key, std::chrono::sys_seconds at, std::uint32_t place = 0);
  void add(std::string_view address, std::string_view agent, std::chrono::sys_seconds at) {
    add(session_key(address, agent), at);
  }

  model::sessions describe() const;
  // Requests of a session, and how many are one request: sessions are independent of each other, as far as is known.
  std::vector<model::measure> measures() const;
  std::uint64_t untracked() const { return untracked_; }  // requests that found no room

 private:
  struct open_session {
    std::uint64_t key = 0;  // 0: none
    std::chrono::sys_seconds last_seen{};
    std::uint32_t requests = 0;
    std::uint32_t place = 0;  // of the last request
  };

  // Where the session is, or where it has to be put.
  open_session& place_of(std::uint64_t key);
  session_step begin(open_session& session, const open_session& as);
  void describe_lengths(model::sessions& to) const;
  void rebuild(std::size_t size);
  void forget_idle(std::chrono::sys_seconds now);

  std::vector<open_session> table_;  // open addressing, a power of two, at most half full
  std::size_t open_ = 0;
  std::chrono::sys_seconds swept_{};
  std::uint64_t sessions_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t of_one_ = 0;  // sessions that have one request so far
  double squares_ = 0;        // of the sessions' requests
  std::uint64_t untracked_ = 0;
  size_table lengths_;       // requests of the sessions that have ended
  observe::histogram gaps_;  // seconds
};

}  // namespace assay::learn
