// Whose the memory is that a service gains. Where allocations are counted (ASSAY_PROBE_ALLOCATIONS), what it holds by
// malloc is told from what the allocator keeps: fragmentation, or memory that it does not give back. Where the runtime
// has an account of its own, what that does not explain is native memory.
//
// Misuse: CPython's small objects by the counts of malloc: they come from arenas of its own, which go straight to mmap.
#pragma once

#include <span>

#include "lab/model/diagnosis.hpp"
#include "lab/model/runtime_look.hpp"
#include "lab/model/trial.hpp"

namespace assay::judge {

inline constexpr double explained_share = 0.5;  // of what was gained: less, and the rest is told

/// Adds to the text of memory leaks, as name_holders() does.
void tell_native_memory(model::diagnosis& of, std::span<const model::process_second> processes,
                        std::span<const model::runtime_look> looks);

}  // namespace assay::judge
