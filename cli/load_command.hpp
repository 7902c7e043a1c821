// `assay load`: arguments in, summary or JSON out.
//
// Misuse: logic here. What is measured and how is lab/load's; how it reads is lab/report's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lab/load/options.hpp"

namespace assay::cli {

// Exit codes of the assay command.
enum exit_code : int { ok = 0, gate_failed = 1, usage = 2, invalid_measurement = 3, could_not_run = 4 };

// As typed; load_command() turns it into options.
struct load_arguments {
  std::optional<std::string> url;
  std::vector<std::string> curl;  // lines, or files of them
  std::string har;
  std::string requests;
  std::vector<std::string> feeds;
  std::vector<std::string> checks;
  std::optional<std::string> rate;  // typed and empty is a mistake, perhaps an unset variable
  std::string length = "10s";
  std::vector<std::string> stages;
  std::string objectives;
  unsigned connections = 64;
  unsigned threads = 1;
  std::string method;
  std::vector<std::string> headers;
  std::string body;
  std::string timeout = "5s";
  std::string arrivals = "constant";
  std::string io = "auto";
  std::uint64_t seed = 1;
  bool spin = false;
  bool spectrum = false;
  bool json = false;
  std::vector<std::string> hdr;
  std::string ndjson;
  std::optional<std::uint16_t> prometheus;  // a port
};

int load_command(const load_arguments& typed);

}  // namespace assay::cli
