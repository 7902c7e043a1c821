// The requests of a HAR file (HTTP Archive 1.2), as browsers and proxies save it. For a load it does not matter when
// they were made, nor what was answered; for a replay it does.
//
// Misuse: taking all of a page's requests for one server's. load_of() keeps those of the first one's origin.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "lab/load/recorded_request.hpp"

namespace assay::load {

struct har_entry {
  recorded_request request;
  std::string started;     // as written: ISO 8601
  std::string connection;  // empty: not told
  int status = 0;          // 0: none, or not told
};

// Requests of other schemes than http and https are left out, and so are fields that belong to the connection. The
// error names the file and the entry.
std::expected<std::vector<har_entry>, std::string> read_har_entries(const std::string& path);
std::expected<std::vector<recorded_request>, std::string> read_har(const std::string& path);

}  // namespace assay::load
