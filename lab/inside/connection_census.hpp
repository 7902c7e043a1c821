// The TCP connections of a service as the kernel knows them (sock_diag): their states and queues, and which wait for an
// answer: where something was sent after anything came, on its side or on that of its clients. No privilege is needed.
//
// Sockets are its own by their inodes. What no process has open (TIME_WAIT, SYN_RECV) is its own by its listening
// ports, and by the other sides of the connections that it has; asked for once a second, and the same in between.
//
// Misuse: taking one look for the truth. The kernel's clock has ticks of 1 to 10 ms; what happens within one is told
// apart by the number of segments, which goes wrong where questions or answers take several.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "lab/model/connections.hpp"

namespace assay::inside {

class connection_census {
 public:
  static constexpr std::size_t most_sockets = 100'000;  // of the whole machine, a look
  static constexpr std::size_t most_peers = 64;         // told apart

  connection_census() = default;
  connection_census(const connection_census&) = delete;
  connection_census& operator=(const connection_census&) = delete;
  ~connection_census();

  // `inodes`: of the service's sockets. Nothing when the kernel does not answer.
  std::optional<model::connection_look> look(const std::set<std::uint64_t>& inodes, double at_s);

 private:
  int netlink_ = -1;
  std::optional<double> ownerless_at_s_;
  std::map<std::string, unsigned> of_nobody_;  // by state, at the last time
};

}  // namespace assay::inside
