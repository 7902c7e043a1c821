// What the preload library costs a service, measured on this machine: waits of a small loop and calls on a socket with
// the library switched off and on by turns, in pairs inside one process (probe/cost.c). Half a second.
//
// It is the least that it costs: in a loop that does nothing else all that it touches is in the nearest caches. What it
// costs a service under its load is measured in that (cost_under_load.hpp), where there is a load of ours.
//
// Misuse: subtracting it from a candidate's figures. It is told beside them: all that is compared carry it alike, but
// loops that go round libc hardly feel it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lab/inside/environment.hpp"
#include "lab/inside/loop_work.hpp"
#include "lab/model/estimate.hpp"

namespace assay::campaign {

inline constexpr unsigned least_cost_pairs = 10;

struct added_time {
  model::estimate more_ns = {};  // of CPU time, on less off, over pairs; 95 %
  double off_ns = 0;             // without it
};

struct probe_cost {
  added_time wait = {};  // of a loop, that finds something ready
  added_time call = {};  // on a socket, that does not block
};

/// `directory` is for its files, absolute; it may be removed afterwards. `cpus` empty: any.
std::expected<probe_cost, std::string> measure_probe_cost(const inside::probe_files& probe,
                                                          const std::string& directory,
                                                          const std::vector<unsigned>& cpus);
/// A line a pair, "310.0 590.5 420.0 560.1": a wait off and on, a call off and on. The error says what is wrong with
/// it.
std::expected<probe_cost, std::string> cost_of_pairs(std::string_view text);

/// As a part of the CPU time of a service whose loops did that much, which is above 0; 0.01 is 1 %. The waits' and the
/// calls' intervals are independent: their halves add as squares do.
model::estimate cpu_share(const probe_cost& of, const inside::loop_work& work, double cpu_s);

/// For the fairness card.
std::string describe(const probe_cost& of);
std::string describe(const probe_cost& of, const inside::loop_work& work, double cpu_s);

}  // namespace assay::campaign
