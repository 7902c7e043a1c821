// VALID or INVALID, before any number: was the generator able to do what it claims to have done?
//
// A slow or failing candidate is a result. INVALID is for measurements that do not show the candidate: the generator
// was late although it had idle connections, was out of CPU, offered another load than asked for, or its own accounts
// disagree.
//
// Misuse: reading a percentile of an INVALID run.
#pragma once

#include <string>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::load {

// Each bound with what it protects.
struct verdict_bounds {
  std::uint64_t own_lag_p99_ns = 1'000'000;  // sends later than this by the generator's own fault distort the tail
  std::uint64_t least_of_stage = 1000;       // sends of one stage: of fewer, ten that were late may be a p99 by chance
  double cpu_share = 0.95;                   // of a generator thread: beyond it the generator is the bottleneck
  double cpu_wait_share = 0.10;              // waiting for a CPU that somebody else, perhaps the candidate, uses
  double open_cpu_wait_share = 0.25;  // the same in the open model, where most lateness is judged for itself: the
                                      // rest is in answers that lie there unread
  double little_residual = 0.01;      // the accounts of time in flight, kept two ways, must agree
  double gaps_off = 0.25;             // of the gaps between sends, as many may be of another law than the intended;
                                      // in ticks: of the numbers of sends
  std::uint64_t least_gaps = 100;     // fewer tell nothing: chance alone is as large as that
  double offered_share = 0.99;        // of what was sent, this much before the end of sending
  double stalled_share = 0.05;        // of the time: in the closed model nothing is answered then, by its own fault
  double stalled_quantile = 0.99;     // the generator's own stalls may touch those above: of a few stalls the longest
                                      // response times nearly always are, and they are told beside them
};

// Why a measurement with so many response times does not show the candidate; empty when it does.
std::vector<std::string> invalid_reasons(const model::generator_health& health, model::load_model model,
                                         std::uint64_t measured, const verdict_bounds& bounds = {});

// The same of what it offered against what it was to offer.
std::vector<std::string> invalid_reasons(const model::arrival_fit& seen, model::arrival_law law,
                                         const verdict_bounds& bounds = {});

// The same of percentiles that its own stalls can have made, and in the closed model of the throughput.
std::vector<std::string> invalid_reasons(const model::own_stalls& stalls, model::load_model model,
                                         const verdict_bounds& bounds = {});

// The same of the stages by themselves: one that was driven too late hides among many that were not. Empty of one
// alone.
std::vector<std::string> invalid_reasons(const std::vector<model::load_stage>& stages,
                                         const verdict_bounds& bounds = {});

// Fills valid and reasons from the rest of the result.
void judge_validity(model::load_result& result, const verdict_bounds& bounds = {});

}  // namespace assay::load
