// A look inside one service without a load of ours: a command that is started under the probe, or a process that runs.
//
//   watch_session session({.command = {"python3", "app.py"}});
//   if (const auto begun = session.start(); !begun) return begun.error();
//   while (session.running()) show(session.glance(interval));
//   const auto seen = session.finish("interrupted");
//
// Misuse: letting a session go without finish(). The command is ended, and what was seen is lost.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "lab/inside/database_sampler.hpp"
#include "lab/inside/environment.hpp"
#include "lab/inside/observer.hpp"
#include "lab/model/watch.hpp"
#include "lab/subject/process.hpp"

namespace assay::campaign {

struct watch_options {
  std::vector<std::string> command = {};  // with this process's environment; or
  std::uint32_t pid = 0;                  // of a process that runs already
  std::string runtime = "auto";           // or a label of model::runtime_kind
  std::string output = {};                // file that the command's stdout and stderr are appended to
  std::string postgres = {};              // libpq's URL of the database that it uses; empty: none is looked into
  duration process_interval = std::chrono::milliseconds(250);
};

class watch_session {
 public:
  explicit watch_session(watch_options options);
  ~watch_session();
  watch_session(const watch_session&) = delete;
  watch_session& operator=(const watch_session&) = delete;

  std::expected<void, std::string> start();
  bool running() const;
  std::optional<model::watch_interval> glance(duration back);
  // Judges what was seen up to now, then ends the command. `why` is said when it was not the service that ended.
  std::expected<model::watch_result, std::string> finish(const std::string& why);

 private:
  std::expected<std::uint32_t, std::string> start_command();
  void measure_probe(const inside::observation& seen, model::watch_result& into);
  bool attached() const { return options_.command.empty(); }

  watch_options options_;
  std::string directory_;                     // of the probe's files; removed with the session
  std::optional<inside::probe_files> probe_;  // the command carries it
  std::optional<subject::process> process_;
  std::optional<inside::observer> observer_;
  std::optional<inside::database_sampler> database_;
  std::uint32_t pid_ = 0;
  std::uint64_t started_ticks_ = 0;  // an attached process's, since ids are used again
  instant begin_;
};

}  // namespace assay::campaign
