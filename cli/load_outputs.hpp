// Where the results of `assay load` go beside the summary: a line of JSON a second, metrics, HdrHistogram's files.
//
// Misuse: second_writer::finish() before the run has ended.
#pragma once

#include <cstdio>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/load_command.hpp"
#include "lab/load/busiest_share.hpp"
#include "lab/load/live_metrics.hpp"
#include "lab/load/live_run.hpp"
#include "lab/model/load_result.hpp"
#include "lab/model/stream_result.hpp"

namespace assay::cli {

// Writes each second of a run as soon as it is over, from the thread that waits for the run.
class second_writer {
 public:
  // A path, or "-" for stdout. The error is one line.
  static std::expected<second_writer, std::string> open(const std::string& path);

  // What is over by now, in order.
  void follow(const load::live_source& running);
  // The rest, of a run that sent for so long. False when not all could be written.
  bool finish(const load::live_source& ended, std::chrono::nanoseconds measured);
  // Seconds that were not kept any more when they could be written.
  std::size_t lost() const { return lost_; }

 private:
  struct closer {
    void operator()(std::FILE* file) const {
      if (file != stdout) std::fclose(file);
    }
  };
  explicit second_writer(std::FILE* file) : file_(file) {}
  void write(const load::live_source& of, double until_s, bool at_end);

  std::unique_ptr<std::FILE, closer> file_;
  std::size_t next_ = 0;
  std::size_t lost_ = 0;
  bool failed_ = false;
  load::busiest_share cpu_;
};

// What programs are told of a load while it runs, as it was typed: its rows of seconds, and an endpoint for Prometheus.
//
// Misuse: opening it before stop_signals are there, or letting it outlive the load: the endpoint has a thread of its
// own.
class live_outputs {
 public:
  // Says on stderr where the endpoint is. The error is one line.
  static std::expected<live_outputs, std::string> open(const load_arguments& typed, const load::live_source& of);

  // Null where none are wanted.
  second_writer* rows() { return rows_ ? &*rows_ : nullptr; }
  // The rest of the rows of a load that has ended, and sent for so long. The error is one line.
  std::expected<void, std::string> finish(const load::live_source& ended, std::chrono::nanoseconds measured);

 private:
  live_outputs() = default;

  std::string path_;
  std::optional<second_writer> rows_;
  std::unique_ptr<load::live_metrics> metrics_;
};

// Refuses, before anything is sent, what could not be written afterwards: a directory that is not there.
std::expected<void, std::string> check_hdr_files(const std::vector<std::string>& paths);
// FILE.hlog is an interval log, any other name a percentile distribution.
std::expected<void, std::string> write_hdr_files(const std::vector<std::string>& paths,
                                                 const model::load_result& result);
std::expected<void, std::string> write_hdr_files(const std::vector<std::string>& paths,
                                                 const model::stream_result& result);

}  // namespace assay::cli
