// What each command takes: its flags, their help, its examples. With main.cpp the one place that includes the
// command-line library.
//
// Misuse: deciding anything here; a value is checked by the command that reads it.
#pragma once

#include <string_view>

#include "cli/capacity_command.hpp"
#include "cli/compare_command.hpp"
#include "cli/learn_command.hpp"
#include "cli/load_command.hpp"
#include "cli/plan_command.hpp"
#include "cli/replay_command.hpp"
#include "cli/run_command.hpp"
#include "cli/watch_command.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): the library's name
class App;       // NOLINT(readability-identifier-naming)
}

namespace assay::cli {

// How the pages of --help read, of every command that is described after it.
void set_help(CLI::App& app);
CLI::App* describe_capacity(CLI::App& app, capacity_arguments& typed);
CLI::App* describe_compare(CLI::App& app, compare_arguments& typed);
CLI::App* describe_learn(CLI::App& app, learn_arguments& typed);
CLI::App* describe_load(CLI::App& app, load_arguments& typed);
// For -h: the options that most runs need, and examples.
std::string_view load_in_brief();
CLI::App* describe_plan(CLI::App& app, plan_arguments& typed);
CLI::App* describe_replay(CLI::App& app, replay_arguments& typed);
CLI::App* describe_run(CLI::App& app, run_arguments& typed);
CLI::App* describe_report(CLI::App& app, report_arguments& typed);
CLI::App* describe_watch(CLI::App& app, watch_arguments& typed);

}  // namespace assay::cli
