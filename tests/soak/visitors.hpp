// Clients that do everything a service has to bear, by chance and from a seed: good requests, large ones, ones that are
// given up, ones that come twice under one key, connections that end in the middle of a request or of an answer, half
// of them or all, bytes that are no HTTP, sockets and event streams that are left.
//
//   const tally seen = visit(address, {.count = 40, .length = 10s, .seed = 7});
//
// Every answer that comes whole is checked. Which refusals are fine depends on what else happens: `tally` counts them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "stack/net/address.hpp"
#include "stack/runtime/time.hpp"

namespace assay::soak {

struct visit_options {
  unsigned count = 40;  // visitors at a time
  duration length = std::chrono::seconds(5);
  std::uint64_t seed = 1;
};

struct tally {
  std::map<std::string, std::uint64_t> outcomes;  // "GET /text 200", "GET /slow given up"
  std::vector<std::string> wrong;                 // answers that are no answer; at most a dozen
};

// Runs on a loop of this thread until the time is over and every visitor has left.
tally visit(const socket_address& at, const visit_options& options);

}  // namespace assay::soak
