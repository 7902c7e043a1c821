// What each command takes: its flags, their help, its examples. The one place, beside main.cpp, that includes the
// command-line library.
//
// Misuse: deciding anything here; a value is checked by the command that reads it.
#pragma once

#include "cli/load_command.hpp"
#include "cli/plan_command.hpp"

namespace CLI {
class App;
}

namespace assay::cli {

CLI::App* describe_load(CLI::App& app, load_arguments& typed);
CLI::App* describe_plan(CLI::App& app, plan_arguments& typed);

}  // namespace assay::cli
