// The fault proxy of a campaign: a relay in front of each dependency, all on one thread of its own.
//
//   auto proxy = fault::proxy::start({{.name = "database", .upstream = address}}, seed);
//   candidate connects to (*proxy)->port("database")
//   (*proxy)->apply(phase.faults);   ...   (*proxy)->clear();
//
// Faults never outlive it: they are in this process, and end with it, however it ends.
//
// Misuse: measuring through it while another thread of the process is busy on the same core; its own work is a few
// microseconds for each round trip, which every candidate pays alike.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lab/fault/relay.hpp"
#include "lab/model/plan.hpp"

namespace assay::fault {

struct proxied {
  std::string name;  // of the dependency
  socket_address upstream;
};

class proxy {
 public:
  // Listens on 127.0.0.1, a port the system chooses for each. The error is one line.
  static std::expected<std::unique_ptr<proxy>, std::string> start(const std::vector<proxied>& dependencies,
                                                                  std::uint64_t seed);
  ~proxy();
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  // 0 for a name that it does not know.
  std::uint16_t port(const std::string& name) const;
  // Makes these the faults there are; those of before end. Returns when they are in force. A name that is not proxied
  // is an error, and nothing changes.
  std::expected<void, std::string> apply(const std::vector<model::fault>& faults);
  void clear();
  // Closes every connection: a trial's connections do not reach into the next.
  void reset_connections();
  std::map<std::string, relay_counters> counters() const;

 private:
  struct state;
  explicit proxy(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

}  // namespace assay::fault
