// The counters of a run as a Prometheus endpoint, while it runs: http://127.0.0.1:PORT/metrics, on this machine only.
//
// A thread and a loop of its own serve it, on the stack's own server and registry. A scrape reads what the generators
// publish anyhow, with relaxed loads and without a lock (live_run::look()): they do the same work, instruction by
// instruction, whether somebody looks or not.
//
// Misuse: letting it share a core with the generator; it is then one more thing that the generator waits for, and the
// verdict will tell.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "lab/load/live_run.hpp"

namespace assay::load {

class live_metrics {
 public:
  // Port 0: the system chooses. `look` is asked for each scrape, on the endpoint's thread, until the endpoint is gone.
  // The error is one line.
  static std::expected<std::unique_ptr<live_metrics>, std::string> open(std::uint16_t port,
                                                                        std::function<live_view()> look);
  ~live_metrics();
  live_metrics(const live_metrics&) = delete;
  live_metrics& operator=(const live_metrics&) = delete;

  std::uint16_t port() const;

 private:
  struct state;
  explicit live_metrics(std::unique_ptr<state> serving);

  std::unique_ptr<state> state_;
};

}  // namespace assay::load
