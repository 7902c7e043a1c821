// Whether a service's work is of the kind that asynchronous code is for: how much of a request's time is computing, and
// how much is waiting for other services.
//
// By Little's law requests in flight, averaged over looks, are request time per second; so are cores in use and
// connections that wait for an answer. Their ratios are the shares.
//
// Misuse: a service whose requests wait in line (its loop is held up, its pool is exhausted): the shares are then those
// of its defect. Ask when nothing else was found.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "lab/model/connections.hpp"
#include "lab/model/trial.hpp"

namespace assay::judge {

inline constexpr std::size_t suitability_least_looks = 20;  // at which requests were in flight
inline constexpr double suitability_least_in_flight = 0.2;  // on average: below it the looks mostly miss them
inline constexpr double suits_share_of_waiting = 0.5;       // at least, and it suits asynchronous code
inline constexpr double unsuited_share_of_computing = 0.5;  // at least, and it does not

struct request_time {
  double in_flight = 0;  // requests, on average
  double computing = 0;  // share, 0 to 1
  double waiting = 0;    // share, 0 to 1: for other services
};

/// Nothing where too little was seen.
std::optional<request_time> request_time_of(std::span<const model::process_second> processes,
                                            std::span<const model::connection_look> connections);

/// In one sentence, with what follows from it.
std::string describe(const request_time& of);

}  // namespace assay::judge
