// A recording made ready to be sent again: the rules have been asked, and every request that is sent has its place on
// an absolute schedule.
//
// A request is due where it lies in the recording, divided by the speed; being late moves no other one. The schedule
// counts from the first request that is sent.
//
// Misuse: options that plan_replay() has not seen.
#pragma once

#include <cstdint>
#include <expected>
#include <limits>
#include <string>
#include <vector>

#include "lab/load/replay_rules.hpp"
#include "lab/model/recorded_traffic.hpp"
#include "stack/http/message.hpp"
#include "stack/runtime/io.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

struct replay_options {
  std::string url;  // http://HOST[:PORT]; the recording brings the path
  double speed = 1;
  replay_rule_texts rules = {};
  unsigned connections = 1000;                 // open at once, at most; a client has one
  duration timeout = std::chrono::seconds(5);  // of one request, from its send
  bool spin = false;                           // poll instead of sleeping between requests
  io_options io = {};
};

inline constexpr double min_speed = 0.001;
inline constexpr double max_speed = 1000;

struct planned_request {
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  duration due{};           // from the start
  std::uint32_t index = 0;  // in the recording
  std::uint32_t client = 0;
  std::uint32_t next = none;  // of the same client, in the plan
  http::method verb = http::method::get;
  bool may_resend = true;
};

struct replay_plan {
  replay_options options;
  std::string host;  // name or numeric address
  std::uint16_t port = 80;
  model::recorded_traffic recording;
  replay_rules rules;
  std::vector<planned_request> sends;  // in the order of time; at least one
  std::vector<std::uint64_t> refused;  // by rule
  std::uint64_t clients = 0;           // with a request that is sent

  duration length() const { return sends.back().due; }
};

// The error is one line for the user: a value, a rule, or a recording of which nothing would be sent.
std::expected<replay_plan, std::string> plan_replay(model::recorded_traffic recording, replay_options options);

}  // namespace assay::load
