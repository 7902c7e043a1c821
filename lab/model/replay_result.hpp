// What one replay did and measured, and how far it can be trusted: the value that lab/load hands on.
//
// Every recorded request ends as exactly one thing: refused by a rule, answered, failed, or not reached because the run
// was ended before its time. Histograms are in nanoseconds, as in load_result.hpp. Send lag is from the intended
// instant to the send, and has three parts: what the replay itself was late, what its client still waited for the
// answer before it, and the opening of a connection. Only the first makes a replay INVALID.
//
// Misuse: reading a number of a replay that is not VALID.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::model {

// So many requests that were answered `recorded` in the recording and `replayed` now.
struct status_pair {
  int recorded = 0;  // 0: not known
  int replayed = 0;  // 0: not answered
  std::uint64_t count = 0;
};

struct replay_result {
  bool valid = false;
  std::vector<std::string> reasons = {};  // why not

  std::string url = {};
  std::vector<std::string> sources = {};
  double speed = 1;
  unsigned connections = 0;  // open at once, at most
  std::chrono::system_clock::time_point started{};
  std::chrono::nanoseconds planned_duration{};  // from the first request that is sent to the last
  std::chrono::nanoseconds duration{};          // of sending; shorter when interrupted
  bool interrupted = false;
  std::vector<std::string> notes = {};                 // what was assumed of the recording
  std::map<std::string, std::uint64_t> rejected = {};  // records that are no request, by reason

  std::uint64_t requests = 0;                                       // recorded; the sum of the following
  std::vector<std::pair<std::string, std::uint64_t>> refused = {};  // by rule
  std::uint64_t answered = 0;
  std::map<std::string, std::uint64_t> failed = {};  // by kind: sent and not answered, or not sent
  std::uint64_t not_reached = 0;

  std::uint64_t sent = 0;         // answered, or failed after it was sent
  std::uint64_t as_recorded = 0;  // answers of the class that was recorded; without a record below 400
  std::vector<status_pair> statuses = {};
  latency_histograms latency = {};  // expected_response_time: of the answers as recorded
  observe::histogram own_lag = observe::histogram::with_defaults();
  observe::histogram client_lag = observe::histogram::with_defaults();  // of every request that was sent

  std::uint64_t clients = 0;  // with a request that is sent
  std::uint64_t connects = 0;
  std::uint64_t evicted = 0;  // idle connections that made room for another client's
  std::uint64_t waited = 0;   // requests for which no connection was free: --connections is too low
  std::uint64_t resent = 0;   // their kept-alive connection ended before a byte of an answer
  std::uint64_t bytes_received = 0;
  generator_health generator = {};
  std::string io_backend = {};
};

}  // namespace assay::model
