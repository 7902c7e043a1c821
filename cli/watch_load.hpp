// From a planned load to the exit code: what is shown and written while it runs, and its result. The same for requests
// and for sessions.
//
// Misuse: threads before watch_load(): Ctrl-C is heard by those alone that begin after it.
#pragma once

#include <cstdio>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "cli/load_command.hpp"
#include "lab/load/gate.hpp"
#include "lab/load/live_run.hpp"
#include "lab/load/options.hpp"
#include "lab/model/load_screen.hpp"

namespace assay::cli {

// The gates that were typed, and that all that was asked for can be written. The error is one line.
std::expected<std::vector<load::gate>, std::string> read_outputs(const load_arguments& typed);

// Where the summary goes: one kind of rows on stdout.
inline std::FILE* summary_stream(const load_arguments& typed) { return typed.ndjson == "-" ? stderr : stdout; }

// Whether the run is to have the whole terminal.
bool wants_screen(const load_arguments& typed);
inline bool wants_seconds(const load_arguments& typed) { return !typed.ndjson.empty() || typed.prometheus; }

// What `plan` makes of the options, with seconds where somebody wants them. The screen shows seconds: of a run too long
// to keep them it is not shown.
template <class Plan>
auto plan_with_seconds(const load_arguments& typed, bool on_screen, load::load_options options, Plan plan) {
  options.keep_seconds = wants_seconds(typed) || on_screen;
  auto made = plan(options);
  if (made || !on_screen || wants_seconds(typed)) return made;
  options.keep_seconds = false;
  return plan(std::move(options));
}

// Runs it, and returns the exit code.
int watch_load(const load_arguments& typed, load::live_run& engine, model::load_screen head,
               const std::vector<load::gate>& gates, bool on_screen);

}  // namespace assay::cli
