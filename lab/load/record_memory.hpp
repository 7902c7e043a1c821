// What the histograms of a run's routes and stages take, and how much of it there may be. Beside them a thread has 1
// MiB of its own, and of objectives that are to hold in each window what run_windows.hpp says.
//
// Each thread has a recorder for each route in each stage, 1.3 MiB, and the parts of each route or, where there are
// several stages, of each stage, 1.2 MiB: R routes in S stages on T threads take T x (R x S x 1.3 + P x 1.2) MiB, with
// P = R for one stage and else P = S, however long the run is. It is all written to before the clock runs, so that no
// page fault is the generator's lateness; a run that took too much would be killed for it, and with it what it was to
// measure.
//
// Misuse: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>

namespace assay::load {

inline constexpr std::uint64_t most_record_bytes = std::uint64_t{8} << 30U;

struct record_shape {
  std::size_t routes = 1;
  std::size_t stages = 1;
  unsigned threads = 1;
  bool keep_parts = true;
};

std::uint64_t record_bytes(const record_shape& of);

// The error is one line for the user.
std::expected<void, std::string> check_record_memory(const record_shape& of);

}  // namespace assay::load
