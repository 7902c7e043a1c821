// What somebody who watches a load run is shown of it: the value that lab/load hands on about once a second.
//
// Misuse: taking it for a result. It is of what has ended so far, and its verdict is not in yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/load_result.hpp"

namespace assay::model {

// Seconds that are kept to be shown: more than a terminal has columns.
inline constexpr std::size_t most_screen_seconds = 512;

struct load_screen {
  // What runs.
  std::string target = {};  // "GET http://127.0.0.1:8080/"
  std::string shape = {};   // "open model, constant arrivals, 64 connections, 1 thread"
  bool open = false;
  bool spins = false;  // polls: its share of a CPU says nothing
  double length_s = 0;
  unsigned connections = 0;  // long ones, that are to be open all the time; 0: they are not

  // How far it is, and what has come of it.
  double elapsed_s = 0;  // zero while connections are being opened
  bool ending = false;   // by Ctrl-C
  double due = 0;        // open model: arrivals that are expected until now
  std::uint64_t answers = 0;
  std::uint64_t errors = 0;
  double due_per_s = 0;  // this and the next two: between the latest two looks
  double answers_per_s = 0;
  double errors_per_s = 0;
  double behind_s = 0;                                       // how long the next arrival waits for a connection
  std::uint64_t open_connections = 0;                        // of the long ones
  std::map<std::string, std::uint64_t> errors_by_kind = {};  // of the seconds that have ended

  // The generator itself.
  std::string health = {};  // "in time", or what is wrong
  std::optional<double> cpu_share = {};
  double own_lag_max_ms = 0;  // of the run, as far as its seconds have ended

  // The latest seconds, one after the other; absent where not all that was meant to be sent in it has ended.
  std::size_t first_second = 0;
  std::vector<std::optional<live_second>> seconds = {};
};

}  // namespace assay::model
