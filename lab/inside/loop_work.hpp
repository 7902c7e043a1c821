// How much the preload library had to do in a service: what it adds to each is known (lab/campaign/probe_cost.hpp).
//
// Misuse: taking it for all that the service did. What goes round libc is not in it, nor locks that were free.
#pragma once

#include <cstdint>

namespace assay::inside {

struct loop_work {
  std::uint64_t turns = 0;  // waits of loops
  std::uint64_t calls = 0;  // of theirs that were timed
};

}  // namespace assay::inside
