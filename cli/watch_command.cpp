#include "cli/watch_command.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <expected>

#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/campaign/watch_session.hpp"
#include "lab/report/watch_report.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

using clock = std::chrono::steady_clock;

constexpr duration least_interval = std::chrono::milliseconds(200);
constexpr duration longest_interval = std::chrono::hours(1);
// How soon the end of what is watched is seen.
constexpr duration patience = std::chrono::milliseconds(100);

std::expected<std::uint32_t, std::string> parse_pid(const std::string& text) {
  std::uint32_t pid = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (failed != std::errc{} || end != text.data() + text.size() || pid == 0) {
    return std::unexpected(fmt::format("--pid \"{}\": expected the number of a process", text));
  }
  return pid;
}

// The command's own output goes where ours does not: stdout is for the result. By path, since its keeper, which stands
// between, has no terminal; a socket cannot be opened so.
std::string error_stream() {
  struct stat status{};
  if (::fstat(STDERR_FILENO, &status) != 0 || S_ISSOCK(status.st_mode)) return "/dev/null";
  // Two who write into one file at places of their own would write over each other.
  if (S_ISREG(status.st_mode)) ::fcntl(STDERR_FILENO, F_SETFL, ::fcntl(STDERR_FILENO, F_GETFL) | O_APPEND);
  return fmt::format("/proc/{}/fd/{}", ::getpid(), STDERR_FILENO);
}

struct watch_times {
  duration interval;
  std::optional<duration> length;
};

std::expected<watch_times, std::string> read_times(const watch_arguments& typed) {
  const auto interval = parse_duration(typed.interval);
  if (!interval) return std::unexpected("--interval " + interval.error());
  if (*interval < least_interval || *interval > longest_interval) {
    return std::unexpected(fmt::format("--interval \"{}\": expected 200ms to 1h", typed.interval));
  }
  watch_times times{.interval = *interval, .length = {}};
  if (!typed.length) return times;
  const auto length = parse_duration(*typed.length);
  if (!length) return std::unexpected("duration -d " + length.error());
  if (*length <= duration::zero()) return std::unexpected("duration -d: expected more than zero");
  times.length = *length;
  return times;
}

std::expected<campaign::watch_options, std::string> read_options(const watch_arguments& typed) {
  campaign::watch_options options{
      .command = typed.command, .runtime = typed.runtime, .output = error_stream(), .postgres = typed.postgres};
  if (typed.pid.has_value() == !typed.command.empty()) {
    return std::unexpected(typed.pid ? "either --pid or a command, not both"
                                     : "expected a command, assay watch -- CMD..., or --pid N");
  }
  if (!typed.pid) return options;
  const auto pid = parse_pid(*typed.pid);
  if (!pid) return std::unexpected(pid.error());
  options.pid = *pid;
  return options;
}

// Until the service ends, the time is over or Ctrl-C; why, unless the service ended. A line each interval.
std::string follow(campaign::watch_session& session, const watch_times& times, stop_signals& stop) {
  const auto begin = clock::now();
  auto next_line = begin + times.interval;
  while (session.running()) {
    const auto now = clock::now();
    if (times.length && now - begin >= *times.length) return "watched for as long as asked";
    if (now >= next_line) {
      if (const auto seen = session.glance(times.interval)) fmt::print(stderr, "{}", report::watch_line(*seen));
      next_line = std::max(next_line + times.interval, now);
    }
    duration wait = std::min<duration>(patience, next_line - now);
    if (times.length) wait = std::min<duration>(wait, begin + *times.length - now);
    if (stop.wait(std::max(duration::zero(), wait)).value_or(0) != 0) return "interrupted";
  }
  return {};
}

}  // namespace

int watch_command(const watch_arguments& typed) {
  const auto times = read_times(typed);
  if (!times) return complain("watch", usage, times.error());
  auto options = read_options(typed);
  if (!options) return complain("watch", usage, options.error());

  stop_signals stop;  // before any thread
  campaign::watch_session session(std::move(*options));
  if (const auto begun = session.start(); !begun) return complain("watch", could_not_run, begun.error());
  const std::string why = follow(session, *times, stop);
  const auto result = session.finish(why);
  if (!result) return complain("watch", could_not_run, result.error());
  const bool unknown = result->verdict.verdict == model::cause::not_enough_data;
  if (result->failed && unknown)
    return complain("watch", could_not_run, fmt::format("{}, after {:.1f} s", result->ended, result->length_s));
  const std::string text = typed.json ? report::watch_json(*result) : report::watch_text(*result);
  if (const int said = print("watch", text); said != ok) return said;
  return unknown ? invalid_measurement : ok;
}

}  // namespace assay::cli
