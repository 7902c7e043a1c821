// Failures that nobody will be told of by a return value: of a child whose scope has another one to tell, of work whose
// caller has gone, of a handler that throws. They are reported with the place of the spawn, to stderr unless somebody
// takes them over (stack/observe/log.hpp does, into the log).
//
//   const failure_reporter before = set_failure_reporter(&count_them);
//
// Misuse: a reporter that waits or throws. It runs wherever the failure came to light, on a loop or in a pool.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>

#include "stack/runtime/error.hpp"

namespace assay {

struct unobserved_failure {
  std::source_location where;    // of the spawn
  std::uint64_t request_id = 0;  // 0: none
  std::optional<error> failure;  // an expected one, or
  std::exception_ptr thrown;     // a bug
  std::string_view during = {};  // what the task did, for as long as the call: "GET /items/7"
};

// "read: reset", or the exception's own text.
std::string describe(const unobserved_failure& lost);

using failure_reporter = void (*)(const unobserved_failure& lost) noexcept;

// For the whole process; null brings back stderr. The one before.
failure_reporter set_failure_reporter(failure_reporter reporter) noexcept;

void report_unobserved(const unobserved_failure& lost) noexcept;

}  // namespace assay
