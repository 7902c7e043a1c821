// Waiting until a service answers its readiness path with 200.
//
// The wait ends at once when the process has died. What is said after a timeout tells apart the cases that are mended
// in different places: nobody listens, accepts and never answers, answers something else, speaks no HTTP.
//
// Misuse: taking the time it returns for the time from exec; that begins at process::started().
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "lab/subject/process.hpp"

namespace assay::subject {

struct readiness_check {
  std::string host = "127.0.0.1";  // numeric
  std::uint16_t port = 0;
  std::string path = "/health/ready";
  std::chrono::nanoseconds timeout = std::chrono::seconds(30);
  // How the process has ended, if it has; without one (a URL that runs already) only the timeout ends the wait.
  std::function<std::optional<exit_report>()> ended = {};
  std::string log = {};  // its last lines go into the error
};

// Seconds from the call until the first 200. Blocks; runs a loop of its own.
std::expected<double, std::string> wait_until_ready(const readiness_check& check);

}  // namespace assay::subject
