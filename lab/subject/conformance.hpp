// Checks that a candidate behaves as its rivals do, before it is measured: requests, and what must come back.
//
// The file is YAML; its format is described where one is kept (subjects/shop/conformance.yaml). Decoding is strict:
// a key that is unknown or stands twice, a wrong type, a second document are errors with line and column.
//
// Misuse: running the checks on data that are not fresh, or measuring before the data have been reset: the checks
// write.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace assay::subject {

inline constexpr std::size_t max_checks = 10'000;
inline constexpr std::size_t max_check_body = std::size_t{16} * 1024 * 1024;

struct conformance_check {
  std::string name;
  std::string method = "GET";
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  int status = 0;
  std::vector<std::pair<std::string, std::string>> expected_headers;  // what the value begins with
  std::optional<std::string> expected_json;                           // as JSON text
  std::map<std::string, std::uint64_t> expected_lengths;              // of arrays, by JSON pointer
  std::string expected_sha256;                                        // of the body, hex; empty: any
};

// Errors begin with "FILE:LINE:COLUMN: ".
std::expected<std::vector<conformance_check>, std::string> decode_checks(const std::string& text,
                                                                         const std::string& file);
std::expected<std::vector<conformance_check>, std::string> load_checks(const std::string& path);

struct check_result {
  std::string name;
  bool passed = false;
  std::string why;  // "status 500, expected 404; body {\"error\"…"; empty when it passed
};

struct conformance_target {
  std::string host = "127.0.0.1";  // numeric
  std::uint16_t port = 0;
  std::chrono::nanoseconds limit = std::chrono::seconds(5);  // for each check
  // Asked about every 20 ms; once it is true nobody waits for an answer any more, and the rest is not tried.
  std::function<bool()> interrupted = {};
};

// One after the other, in order. After three in a row without any answer the rest is not tried, and fails. Blocks; runs
// a loop of its own.
std::vector<check_result> run_checks(const std::vector<conformance_check>& checks, const conformance_target& at);

}  // namespace assay::subject
