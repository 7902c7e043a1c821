// What every command says to a person: a complaint on stderr, a result on stdout, and the number it ends with.
//
// Misuse: printing a result in pieces. It is whole or it is a complaint.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

namespace assay::cli {

// As docs/architecture.md lists them.
enum exit_code : int { ok = 0, gate_failed = 1, usage = 2, invalid_measurement = 3, could_not_run = 4 };

// Of a run that a signal ended early, whatever was measured until then: 130 after Ctrl-C, 143 after SIGTERM, which is
// what a shell says of a process that died of it. A script that goes on after `ok` must not take half a run for one.
constexpr int code_of_signal(int number) { return 128 + number; }

// "assay COMMAND: why" as one line on stderr. Returns the code, to be returned in turn.
int complain(std::string_view command, exit_code code, std::string_view why);

// The whole text, out of the buffer too. When that fails, complains and returns could_not_run.
int print(std::string_view command, const std::string& text, std::FILE* into = stdout);

}  // namespace assay::cli
