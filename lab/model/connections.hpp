// The TCP connections of a service at one moment, and which of them wait for an answer.
//
// Misuse: counting on connections of protocols that push: what was sent last is no question there.
#pragma once

#include <string>
#include <vector>

namespace assay::model {

struct peer_connections {
  std::string peer = {};  // "127.0.0.1:5432"
  unsigned open = 0;
  unsigned waiting = 0;  // something was sent since anything came back
};

struct connection_look {
  double at_s = 0;
  unsigned in_flight = 0;                       // accepted connections with a request that is not answered yet
  std::vector<peer_connections> outgoing = {};  // by peer, in the order of their names
};

}  // namespace assay::model
