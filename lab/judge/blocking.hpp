// Which calls blocked a candidate's event loop, over all its trials, and whether they are why it freezes.
//
// A run freezes when its blocking places that once lasted for at least the plan's stall threshold add up to
//   - at least 1 % of the time under load (a second and a half in each 150 s: nobody would call it a hiccup), and
//   - where the loop itself was seen, at least 20 % of the time it was stalled: else the stalls have another cause.
// A candidate freezes when at least half of its complete runs do: once may be the host.
//
// Misuse: taking `freezes == false` for "has no blocking call"; the places are listed either way.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/judge/measure.hpp"

namespace assay::judge {

inline constexpr double freeze_share_of_load = 0.01;
inline constexpr double freeze_share_of_stalls = 0.20;

/// Calls that are none: what filled stalls of the loop instead.
inline constexpr std::string_view computing_call = "computing";
inline constexpr std::string_view lack_of_cpu_call = "waiting for a CPU";
/// Whether it waited in that call.
bool is_call(const model::blocking_site& site);

/// "third-party (127.0.0.1:40123)" and "third-party (127.0.0.1:40999)" are one peer; so are two ports of an address.
std::string peer_without_port(const std::string& peer);

/// Merged by call, peer without port and place; calls first, then what was none, each by total time, descending. `at_s`
/// is empty: runs have no common clock.
std::vector<model::blocking_site> merge_sites(std::span<const run* const> runs);

bool run_freezes(const run& of, double stall_threshold_ms);
bool candidate_freezes(std::span<const run* const> complete, double stall_threshold_ms);

}  // namespace assay::judge
