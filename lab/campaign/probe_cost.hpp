// What the preload library costs a candidate, measured on this machine: a small loop with the library switched off and
// on by turns, in pairs inside one process (probe/cost.c). Half a second, before the first trial.
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
#include "lab/model/estimate.hpp"

namespace assay::campaign {

inline constexpr unsigned least_cost_pairs = 10;

struct probe_cost {
  model::estimate more_ns = {};  // of CPU time a turn, on less off, over pairs; 95 %
  double off_ns = 0;             // a turn without it
};

/// `directory` is for its files, absolute; it may be removed afterwards.
std::expected<probe_cost, std::string> measure_probe_cost(const inside::probe_files& probe,
                                                          const std::string& directory,
                                                          const std::vector<unsigned>& cpus);
/// A line a pair, "5310.0 5890.5": off, on. The error says what is wrong with it.
std::expected<probe_cost, std::string> cost_of_pairs(std::string_view text);

/// For the fairness card.
std::string describe(const probe_cost& of);
/// The same as a part of one candidate's CPU time.
std::string describe(const probe_cost& of, std::uint64_t turns, double cpu_s);

}  // namespace assay::campaign
