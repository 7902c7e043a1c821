// Requests as somebody else wrote them down, a curl line or a HAR file, made into the routes of a load: to one origin,
// equal ones joined with their number as the weight.
//
// Misuse: sending a recording to where it came from. It holds that day's cookies and credentials, and its writes are
// made again.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "lab/load/feeds.hpp"
#include "lab/model/plan.hpp"

namespace assay::load {

inline constexpr std::size_t most_recorded_bytes = std::size_t{64} << 20;  // of a file

struct recorded_request {
  std::string method;
  std::string url;  // http or https
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  friend bool operator==(const recorded_request&, const recorded_request&) = default;
};

struct recorded_load {
  std::string url;  // http://HOST[:PORT]
  std::vector<model::bound_route> routes;
  std::size_t left_out = 0;  // requests to other origins than the first one's
};

// They are sent to `to`, or when that is empty to where the first one was. The error is one line.
std::expected<recorded_load, std::string> load_of(const std::vector<recorded_request>& requests, const std::string& to,
                                                  const feed_map& feeds);

}  // namespace assay::load
