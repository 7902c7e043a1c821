// The drain test: the same load twice, with a rest after each. What is left after both and has grown between them is a
// leak. What is left after the first and no more after the second is kept on purpose: a pool, a cache, an allocator
// that gives nothing back.
//
// A plan asks for it by its phases: load, a rest, the same load, a rest, where a rest has a hundredth of the steady
// rate or less (`kind: recovery`, `rate: 0.001`). Nothing is forced; a rest is to be longer than two collections.
//
// Misuse: loads that differ: what is left follows the load, and this says nothing then.
#pragma once

#include <cstdint>
#include <optional>

#include "lab/model/diagnosis.hpp"
#include "lab/model/trial.hpp"

namespace assay::judge {

inline constexpr double rest_rate_share = 0.01;    // of the highest steady rate
inline constexpr double rest_least_s = 5;          // shorter ones are no rest
inline constexpr double same_load_share = 0.1;     // by which the two loads' numbers of requests may differ
inline constexpr double drain_least_share = 0.02;  // more than that of what the first rest left, and it has grown
inline constexpr double drain_least_bytes = 1 << 20;
inline constexpr double drain_least_count = 4;  // descriptors, sockets, threads

// What the last half of each rest left at least.
struct residue {
  double after_first = 0;
  double after_second = 0;
  bool grew(double least_growth) const;
};

struct drain_result {
  residue memory;  // anonymous, bytes
  residue descriptors;
  residue sockets;
  residue threads;
  double requests = 0;  // between the two rests
  double begin_s = 0;   // of the first of the two loads
  double end_s = 0;     // of the second
};

/// Of the last two rests; nothing when the trial has no such phases, or was not looked at in them.
std::optional<drain_result> drain_of(const model::trial& of);

/// Leaks that the test refutes become remarks; those that it confirms say what was left. What it alone has seen is a
/// remark: two rests make no trend.
void apply_drain_test(model::diagnosis& to, const model::trial& of);

}  // namespace assay::judge
