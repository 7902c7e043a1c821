// Access logs in, a workload profile out.
//
//   auto profile = learn::learn({.paths = {"access.log"}});
//
// One pass, bounded memory: what grows is the number of distinct routes, values, sessions and seconds, each with a
// named limit.
//
// Misuse: a log of several hosts: their routes would be folded together.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "lab/model/profile.hpp"

namespace assay::learn {

inline constexpr std::size_t max_line_bytes = 64 * 1024;
inline constexpr std::size_t max_seconds = 31 * 86'400;  // between the first and the last request
inline constexpr std::size_t max_sessions_at_once = 1'000'000;
inline constexpr double rejected_warning = 0.01;  // a share beyond it is said on top
inline constexpr double rejected_error = 0.5;     // beyond it this is no access log

struct learn_options {
  std::vector<std::string> paths;     // "-" is stdin
  std::vector<std::string> patterns;  // "GET /items/{id}", tried before anything is guessed
  std::string tool_version;
  std::function<void(std::uint64_t lines)> on_progress;  // every now and then
};

// The error is one line that names the file.
std::expected<model::profile, std::string> learn(const learn_options& options);

}  // namespace assay::learn
