// What each command takes: its flags, their help, its examples. The one place, beside main.cpp, that includes the
// command-line library.
//
// Misuse: deciding anything here; a value is checked by the command that reads it.
#pragma once

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

CLI::App* describe_capacity(CLI::App& app, capacity_arguments& typed);
CLI::App* describe_compare(CLI::App& app, compare_arguments& typed);
CLI::App* describe_learn(CLI::App& app, learn_arguments& typed);
CLI::App* describe_load(CLI::App& app, load_arguments& typed);
CLI::App* describe_plan(CLI::App& app, plan_arguments& typed);
CLI::App* describe_replay(CLI::App& app, replay_arguments& typed);
CLI::App* describe_run(CLI::App& app, run_arguments& typed);
CLI::App* describe_report(CLI::App& app, report_arguments& typed);
CLI::App* describe_watch(CLI::App& app, watch_arguments& typed);

}  // namespace assay::cli
