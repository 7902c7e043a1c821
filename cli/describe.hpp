// What each command takes: its flags, their help, its examples. The one place, beside main.cpp, that includes the
// command-line library.
//
// Misuse: deciding anything here; a value is checked by the command that reads it.
#pragma once

#include "cli/learn_command.hpp"
#include "cli/load_command.hpp"

namespace CLI {
class App;
}

namespace assay::cli {

CLI::App* describe_learn(CLI::App& app, learn_arguments& typed);
CLI::App* describe_load(CLI::App& app, load_arguments& typed);

}  // namespace assay::cli
