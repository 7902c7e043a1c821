// What processes have allocated, as the counter that is preloaded into them says in their files: all of them summed,
// those that have ended included.
//
// Misuse: expecting anything where nobody has asked for it: ASSAY_PROBE_ALLOCATIONS=1 in assay's own environment.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace assay::inside {

struct allocation_sums {
  std::uint64_t allocations = 0;      // cumulative
  std::uint64_t allocated_bytes = 0;  // cumulative
  std::uint64_t live_bytes = 0;       // of living processes: allocated and not freed
};

class allocation_counts {
 public:
  static constexpr std::size_t most_files = 512;  // looked at, a look

  explicit allocation_counts(std::string directory) : directory_(std::move(directory)) {}

  // `living`: others have ended; their files are read once more and removed. Nothing before the first file.
  std::optional<allocation_sums> look(const std::set<std::uint32_t>& living);

 private:
  struct counted {
    std::uint64_t started_ns = 0;
    std::uint64_t allocations = 0;
    std::uint64_t allocated_bytes = 0;
    std::uint64_t live_bytes = 0;
  };
  static std::optional<counted> read(const std::string& path, std::uint32_t pid);
  void end(const counted& one);

  std::string directory_;
  std::map<std::uint32_t, counted> alive_;
  std::uint64_t ended_allocations_ = 0;
  std::uint64_t ended_bytes_ = 0;
  bool ever_ = false;
};

}  // namespace assay::inside
