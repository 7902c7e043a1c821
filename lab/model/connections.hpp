// The TCP connections of a service at one moment: their states, what lies in their queues, and which of them wait for
// an answer.
//
// Misuse: counting on connections of protocols that push: what was sent last is no question there.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay::model {

struct peer_connections {
  std::string peer = {};  // "127.0.0.1:5432"
  unsigned open = 0;
  unsigned waiting = 0;     // something was sent since anything came back
  unsigned close_wait = 0;  // beside the open ones: the peer has closed, the service has not
};

struct connection_look {
  double at_s = 0;
  unsigned in_flight = 0;                       // accepted connections with a request that is not answered yet
  std::vector<peer_connections> outgoing = {};  // by peer, in the order of their names
  // "ESTABLISHED", "CLOSE_WAIT", ... of its sockets; what has no owner, "TIME_WAIT" and "SYN_RECV", by its ports and
  // peers.
  std::map<std::string, unsigned> states = {};
  std::uint64_t unread_bytes = 0;   // have come, and the service has not read them
  std::uint64_t unacked_bytes = 0;  // written by the service, and not with the other side yet
  unsigned accept_queue = 0;        // connections that wait to be accepted, of the fullest listening socket
  unsigned accept_limit = 0;        // how many may: beyond it the kernel lets clients wait. 0: it listens to nothing
};

}  // namespace assay::model
