// What a candidate is started with: its command and environment with the placeholders filled in, a port of its own,
// and the commands that come before it (build, versions).
//
// A candidate sees the few variables of base_environment() and its descriptor's, not the environment of whoever runs
// the campaign: that would differ from run to run and from person to person.
//
// Misuse: keeping a port from free_port() for later. It is free now; start what needs it at once, and again with
// another one should it be taken.
#pragma once

#include <cstdint>
#include <stop_token>

#include "lab/model/plan.hpp"
#include "lab/subject/process.hpp"

namespace assay::subject {

// PATH, HOME, LANG and TZ of this process, where they are set.
std::map<std::string, std::string> base_environment();

// A port of 127.0.0.1 outside of the range that outgoing connections use, or a load would take it. No two calls of this
// process give the same one soon.
std::expected<std::uint16_t, std::string> free_port();
bool port_is_free(std::uint16_t port);

// "{name}" becomes values[name]; "{{" and "}}" are braces, and so is a brace that no name ([A-Za-z_][A-Za-z0-9_-]*)
// follows.
std::expected<std::string, std::string> fill_placeholders(const std::string& text,
                                                          const std::map<std::string, std::string>& values);

// The candidate's command with {port} and {NAME} of each dependency (its URL as the candidate is to see it) filled in.
// Variables of `extra` win over the descriptor's, those over the base. Output, CPUs and limits are left to the caller.
std::expected<spawn_request, std::string> candidate_request(const model::candidate& from, std::uint16_t port,
                                                            const std::map<std::string, std::string>& dependencies,
                                                            const std::map<std::string, std::string>& extra = {});

// Runs the candidate's build in its directory; nothing to do without one. The error ends with the last lines of the
// log.
std::expected<void, std::string> build_candidate(const model::candidate& from, const std::string& log,
                                                 std::chrono::milliseconds limit = std::chrono::minutes(20),
                                                 std::stop_token interrupted = {});

inline constexpr std::size_t max_captured_bytes = std::size_t{64} * 1024;

// What the candidate's `versions` prints, cut at max_captured_bytes; empty without such a command.
std::expected<std::string, std::string> capture_versions(const model::candidate& from,
                                                         std::chrono::milliseconds limit = std::chrono::seconds(30));

// The end of a text file, for error messages: at most `lines` of it and 4 KiB, control characters shown as '?'. Empty
// when there is nothing to read.
std::string last_lines(const std::string& path, std::size_t lines = 8);

}  // namespace assay::subject
