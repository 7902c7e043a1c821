// Judges a compiler by what its coroutines do: runs every case and prints the failures and a summary.
//
//   coroutine_conformance [--no-fork] [--list] [case]
//
// Each case runs in a child process, so that a double free is charged to the case that caused it. --no-fork
// runs them in this process, for sanitizers. Exit status: 0 all passed, 1 some failed, 2 misuse.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/conformance/harness.hpp"

namespace {

using conformance::completion;
using conformance::conformance_case;

constexpr unsigned case_time_limit_s = 10;  // a body that never ends must not hang a configure step
constexpr std::size_t report_limit_bytes = 4096;

struct options {
  bool fork_cases = true;
  bool list_only = false;
  std::string_view only;  // empty: all
};

void write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string read_report(int file) {
  std::string report;
  std::array<char, 512> chunk{};
  for (;;) {
    const ssize_t got = ::read(file, chunk.data(), chunk.size());
    if (got <= 0) return report;
    if (report.size() < report_limit_bytes) report.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

[[noreturn]] void run_as_child(const conformance_case& subject, completion mode, int report_file) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  ::dup2(report_file, STDERR_FILENO);  // the C library's last words belong to the verdict
  ::alarm(case_time_limit_s);
  const std::string failure = run_case(subject, mode);
  write_all(report_file, failure);
  // Not exit(): a corrupted heap must not add a crash after the verdict.
  ::_exit(failure.empty() ? 0 : 1);
}

std::string verdict_of(int status, std::string report) {
  report = report.substr(0, report.find('\n'));
  if (WIFEXITED(status)) {
    if (WEXITSTATUS(status) == 0) return "";
    return report.empty() ? "exit status " + std::to_string(WEXITSTATUS(status)) : report;
  }
  std::string verdict = std::string("killed: ") + ::strsignal(WTERMSIG(status));
  if (!report.empty()) verdict += ": " + report;
  return verdict;
}

std::string run_forked(const conformance_case& subject, completion mode) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return "pipe2 failed";
  const pid_t child = ::fork();
  if (child < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    return "fork failed";
  }
  if (child == 0) run_as_child(subject, mode, ends[1]);
  ::close(ends[1]);
  std::string report = read_report(ends[0]);
  ::close(ends[0]);
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return "waitpid failed";
  return verdict_of(status, std::move(report));
}

/// Runs the case with leaf operations of both kinds. Returns the first failure, empty when there is none.
std::string judge(const conformance_case& subject, bool fork_cases) {
  for (const completion mode : {completion::in_line, completion::suspended}) {
    const std::string failure = fork_cases ? run_forked(subject, mode) : run_case(subject, mode);
    if (failure.empty()) continue;
    return failure + (mode == completion::suspended ? " (when the leaf operation suspends)" : "");
  }
  return "";
}

bool parse(int count, char** arguments, options& parsed) {
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    if (argument == "--no-fork") {
      parsed.fork_cases = false;
    } else if (argument == "--list") {
      parsed.list_only = true;
    } else if (!argument.empty() && argument.front() != '-' && parsed.only.empty()) {
      parsed.only = argument;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  options chosen;
  if (!parse(count, arguments, chosen)) {
    std::fprintf(stderr, "usage: coroutine_conformance [--no-fork] [--list] [case]\n");
    return 2;
  }
#if defined(__GLIBC__)
  ::mallopt(M_PERTURB,
            0xA5);  // freed memory is overwritten, so that a use after free is seen without a sanitizer
#endif
  int passed = 0;
  int failed = 0;
  for (const conformance_case& subject : conformance::all_cases()) {
    if (!chosen.only.empty() && subject.name != chosen.only) continue;
    if (chosen.list_only) {
      std::printf("%s\n", subject.name.c_str());
      continue;
    }
    const std::string failure = judge(subject, chosen.fork_cases);
    ++(failure.empty() ? passed : failed);
    if (!failure.empty()) std::printf("FAIL %s %s\n", subject.name.c_str(), failure.c_str());
    std::fflush(stdout);  // before the next fork, and before a sanitizer ends the process
  }
  if (chosen.list_only) return 0;
  std::printf("%d passed, %d failed\n", passed, failed);
  if (passed + failed == 0) {
    std::fprintf(stderr, "coroutine_conformance: no case of that name; see --list\n");
    return 2;
  }
  return failed == 0 ? 0 : 1;
}
