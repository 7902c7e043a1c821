// Asks each host from time to time whether it is well, and tells a balancing policy.
//
//   scope background(ctx);
//   background.spawn(guard::balance::watch(among, {guard::exchange_of(a_checks), guard::exchange_of(b_checks)}, {}));
//
// Runs until it is cancelled. One check of a host at a time, at random moments around `every`, so that the checks of
// many clients do not come together. An answer of 2xx in time passes; what our own limits refuse is no check.
//
// Misuse: checks through the client that serves requests. When its connections are all in use the checks wait behind
// them, and a host that is busy passes for ill: give them clients of their own, with one connection.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "stack/guard/balance/policy.hpp"
#include "stack/guard/layer.hpp"

namespace assay::guard::balance {

struct check_options {
  std::string target = "/health/ready";
  duration every = std::chrono::seconds(5);
  duration timeout = std::chrono::seconds(1);
  std::optional<std::uint64_t> seed = {};  // of the moments; none: different ones for each call
};

checked check(const check_options& given);

// The hosts in the order of their names.
task<result<void>> watch(std::shared_ptr<policy> among, std::vector<exchange> hosts, check_options by);

}  // namespace assay::guard::balance
