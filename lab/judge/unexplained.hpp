// Stalls of a loop that neither calls nor a lack of CPUs explain, and where the loop computed meanwhile.
//
// Misuse: the sums where each loop's stalls are known. A call that holds one worker up explains no stall of another;
// the sums would take it for one.
#pragma once

#include <span>
#include <string>

#include "lab/model/diagnosis.hpp"
#include "lab/model/trial.hpp"
#include "lab/model/watch.hpp"

namespace assay::judge {

inline constexpr int stall_class_ms = 50;         // stalls of that length or more
inline constexpr double site_share = 0.2;         // of the time in question: a place that takes less is not named
inline constexpr double unexplained_share = 0.2;  // of a loop's stalls: less is what calls have left over

// Seconds.
struct unexplained {
  double all = 0;
  double computed = 0;  // where each stall's cause is known
  double unknown = 0;   // where it is not
  double longest_ms = 0;
  unsigned loops = 1;       // whose stalls these are
  bool stands_out = false;  // they are a cause of their own
};

// Of the busiest loop, without knowing which calls were in which stalls: what the sums leave.
[[nodiscard]] unexplained unexplained_at_large(double stalled_s, double explained_s, double longest_ms);
// Each loop by itself; of one with less than `least_s` it is the start-up or the like: many workers have that together.
[[nodiscard]] unexplained unexplained_by_loop(std::span<const model::loop_stalls> loops, double least_s);

// Adds where the loop computed for longest, as far as the runtime's shim has seen it and when it is enough of that
// time.
void name_place(model::named_cause& to, std::span<const model::blocking_site> sites, double unexplained_s);

// " at app.py:87 in price"; nothing of what has no place.
[[nodiscard]] std::string at_place(const std::string& place);

}  // namespace assay::judge
