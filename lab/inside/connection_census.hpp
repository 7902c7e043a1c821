// The TCP connections of a service as the kernel knows them (sock_diag), and which wait for an answer: where something
// was sent after anything came, on its side or on that of its clients. No privilege is needed.
//
// Misuse: taking one look for the truth. The kernel's clock has ticks of 1 to 10 ms; what happens within one is told
// apart by the number of segments, which goes wrong where questions or answers take several.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

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
};

}  // namespace assay::inside
