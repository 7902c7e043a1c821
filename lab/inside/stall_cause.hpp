// What held a loop up that no blocking call explains: computing, the lack of a CPU, memory read back from disk, or a
// wait that was not seen.
//
// Misuse: of segments of a few milliseconds: the numbers hold as much of what was before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/inside/blocking_sites.hpp"
#include "lab/inside/lag_estimate.hpp"
#include "lab/inside/thread_history.hpp"
#include "lab/model/trial.hpp"
#include "lab/model/watch.hpp"

namespace assay::inside {

inline constexpr double computing_share = 0.7;  // on a CPU for so much of it: that is what it was
inline constexpr std::size_t most_stall_events = 500;

// Ready all the time, and put off: it was the host.
bool lacked_cpu(const segment_use& use, std::uint64_t length_ns);

// All such among these stalls that no call explains, as a place without a name beside the calls: else the stalls of a
// busy host would be taken for computing.
std::optional<model::blocking_site> lack_of_cpu(const std::vector<loop_stall>& stalls, const blocking_sites& calls);

// In words, "computing: 97 % of it on a CPU".
std::string cause_by_use(const segment_use& use, std::uint64_t length_ns);

// What filled them in [begin, end), each loop by itself: a call that holds one worker up says nothing of another's
// computing. Calls count as far as they begin in a stall; what they leave is told by what the thread used.
std::vector<model::loop_stalls> stalls_by_loop(const std::vector<loop_stall>& stalls, const blocking_sites& calls,
                                               std::uint64_t begin_ns, std::uint64_t end_ns);

// The longest, in order of time, each with its cause: the calls that fill it, or what its thread used. at_s counts from
// the origin; shorter calls than the threshold are not among `calls`.
std::vector<model::trial_event> stall_events(std::vector<loop_stall> stalls, const blocking_sites& calls,
                                             double blocking_threshold_ms, std::uint64_t origin_ns);

}  // namespace assay::inside
