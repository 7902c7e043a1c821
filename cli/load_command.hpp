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

// As typed; load_command() turns it into options.
struct load_arguments {
  std::optional<std::string> url;
  std::vector<std::string> curl;  // lines, or files of them
  std::string har;
  std::string requests;
  std::string sessions;  // a file of scenarios; see session_command.hpp
  std::vector<std::string> feeds;
  std::vector<std::string> checks;
  std::optional<std::string> rate;  // typed and empty is a mistake, perhaps an unset variable
  std::string length = "10s";
  bool has_length = false;  // typed
  std::vector<std::string> stages;
  std::string objectives;
  unsigned connections = 64;
  bool has_connections = false;  // typed
  unsigned threads = 1;
  std::string method;
  std::vector<std::string> headers;
  std::string body;
  std::string timeout = "5s";
  std::optional<std::uint64_t> per_connection;
  unsigned follow = 0;  // redirects
  std::string arrivals = "constant";
  bool has_arrivals = false;  // typed
  std::string tick;           // empty: none
  std::string io = "auto";
  std::uint64_t seed = 1;
  bool spin = false;
  bool spectrum = false;
  bool json = false;
  bool calibrate = false;              // this machine, in place of a URL
  std::vector<std::string> crossover;  // two URLs, in place of one
  unsigned repeats = 5;                // of it
  bool no_screen = false;              // --no-tui: one line in place of the whole terminal
  std::vector<std::string> hdr;
  std::string ndjson;
  std::optional<std::uint16_t> prometheus;  // a port
  // Over WebSocket and of events: see stream_command.hpp.
  bool events = false;
  bool broadcast = false;
  std::optional<std::string> message;
  std::optional<std::string> connect_rate;
  std::optional<std::string> lifetime;
  std::vector<std::string> sources;
};

int load_command(const load_arguments& typed);

}  // namespace assay::cli
