#include "lab/judge/suitability.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::judge {

std::optional<request_time> request_time_of(std::span<const model::process_second> processes,
                                            std::span<const model::connection_look> connections) {
  if (processes.size() < 2 || connections.empty()) return std::nullopt;
  double in_flight = 0;
  double waiting = 0;
  std::size_t looks = 0;
  for (const model::connection_look& look : connections) {
    in_flight += look.in_flight;
    looks += look.in_flight > 0;
    for (const model::peer_connections& peer : look.outgoing) waiting += std::min(peer.waiting, look.in_flight);
  }
  const auto n = static_cast<double>(connections.size());
  const double length_s = processes.back().at_s - processes.front().at_s;
  request_time made{.in_flight = in_flight / n};
  if (looks < suitability_least_looks || made.in_flight < suitability_least_in_flight || length_s <= 0) {
    return std::nullopt;
  }
  const double cores = (processes.back().cpu_s - processes.front().cpu_s) / length_s;
  made.computing = std::clamp(cores / made.in_flight, 0.0, 1.0);
  made.waiting = std::clamp(waiting / in_flight, 0.0, 1.0 - made.computing);
  return made;
}

std::string describe(const request_time& of) {
  const char* const follows =
      of.computing >= unsuited_share_of_computing ? "asynchronous code does not help it, more processes or threads do"
      : of.waiting >= suits_share_of_waiting
          ? "asynchronous code suits it"
          : "it is of both kinds: computing that takes long belongs in processes of its own, or the service in two";
  return fmt::format(
      "of a request's time about {:.0f} % is computing and {:.0f} % waiting for other services ({:.1f} requests in "
      "flight): {}",
      100 * of.computing, 100 * of.waiting, of.in_flight, follows);
}

}  // namespace assay::judge
