// The requests of access logs in every format that is read here, to be sent again: method, target, time, client and
// status; User-Agent and Referer where the format has them. A log holds no bodies.
//
// A client is one address (of the X-Forwarded-For, where that is logged) with one user agent, as in session_counts.hpp.
// Stamps of a whole second, tenth or hundredth leave open what lies inside: requests of one stamp are spread over it
// uniformly, drawn from the seed and dealt out in the order of the log, so that neither order nor clients change.
//
// Misuse: taking the spread for what happened. The bursts inside of a second are the draw's.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "lab/model/recorded_traffic.hpp"

namespace assay::learn {

struct log_traffic_options {
  std::vector<std::string> files;  // files, globs, directories; "-" is standard input
  std::string format = {};         // as format_choice reads it; empty: whichever it is
  std::uint64_t seed = 1;          // of the spread
};

// The error is one line that names the path.
std::expected<model::recorded_traffic, std::string> read_log_traffic(const log_traffic_options& options);

}  // namespace assay::learn
