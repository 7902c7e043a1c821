// What runtimes say of themselves: <pid>.state beside the preload library's file, one text that is written over.
//
// Misuse: asking for a process that has ended: its last words would be taken for its state.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "lab/model/runtime_look.hpp"

namespace assay::inside {

class runtime_states {
 public:
  static constexpr std::size_t file_bytes = 4096;
  static constexpr std::size_t most_kinds = 64;  // of what is active, over all processes

  explicit runtime_states(std::string directory) : directory_(std::move(directory)) {}
  // All that those processes say, summed; none when none says anything new. Files of others that were looked at are
  // removed.
  std::optional<model::runtime_look> look(const std::set<std::uint32_t>& pids);
  void remove(std::uint32_t pid);  // the file: its process has ended, perhaps before anybody looked

 private:
  std::string path(std::uint32_t pid) const;
  std::string directory_;
  std::set<std::uint32_t> seen_;
  std::optional<model::runtime_look> last_;
};

// None: torn, or not as probe/node/state.cjs and probe/python/_assay_sampler.py write it.
std::optional<model::runtime_look> parse_runtime_state(std::string_view text);

}  // namespace assay::inside
