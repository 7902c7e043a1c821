// VALID or INVALID for a run over long connections, by the rules of verdict.hpp and two of its own: connections that
// the generator could not have, and messages that it read so late that the delay is its own and not the server's.
//
// Misuse: reading a percentile of an INVALID run.
#pragma once

#include "lab/load/verdict.hpp"
#include "lab/model/stream_result.hpp"

namespace assay::load {

struct stream_verdict_bounds {
  // Of the response times' p99: what the generator itself adds to it by reading late, if it is more than
  // verdict_bounds::own_lag_p99_ns.
  double receive_lag_share = 0.10;
};

// Fills valid and reasons from the rest of the result.
void judge_validity(model::stream_result& result, const verdict_bounds& bounds = {},
                    const stream_verdict_bounds& of_streams = {});

}  // namespace assay::load
