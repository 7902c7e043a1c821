// `assay replay`: arguments in, summary or JSON out.
//
// Misuse: logic here. What is sent when is lab/load's; how a recording is read is lab/learn's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::cli {

// As typed.
struct replay_arguments {
  std::string kind;  // log, gor or har
  std::vector<std::string> sources;
  std::string to;
  std::string format;  // of a log
  std::string speed = "1x";
  bool unsafe = false;
  std::vector<std::string> allow;
  std::vector<std::string> refuse;
  std::string only_host;
  std::string host;
  std::vector<std::string> rewrite;
  std::vector<std::string> headers;
  std::vector<std::string> drop_headers;
  unsigned connections = 1000;
  std::string timeout = "5s";
  std::uint64_t seed = 1;
  bool spin = false;
  std::string io = "auto";
  bool json = false;
};

int replay_command(const replay_arguments& typed);

}  // namespace assay::cli
