#include "lab/subject/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace assay::subject {
namespace {

// An exec that takes longer hangs in a file system that is away.
constexpr int exec_limit_ms = 10'000;
constexpr mode_t log_mode = 0644;

std::string system_text(int number) { return std::strerror(number); }

// Each step gives an empty text, or why it failed.
std::string point_at(const std::string& path, int flags, int target) {
  const int opened = ::open(path.c_str(), flags | O_CLOEXEC, log_mode);
  if (opened < 0) return fmt::format("cannot open {}: {}", path, system_text(errno));
  if (::dup2(opened, target) < 0) return fmt::format("cannot redirect to {}: {}", path, system_text(errno));
  return {};
}

std::string redirect(const spawn_request& request) {
  constexpr int append = O_WRONLY | O_CREAT | O_APPEND;
  const std::string output = request.output.empty() ? "/dev/null" : request.output;
  std::string failed = point_at("/dev/null", O_RDONLY, STDIN_FILENO);
  if (failed.empty()) failed = point_at(output, append, STDOUT_FILENO);
  if (failed.empty() && !request.errors.empty()) return point_at(request.errors, append, STDERR_FILENO);
  if (failed.empty()) ::dup2(STDOUT_FILENO, STDERR_FILENO);
  return failed;
}

std::string limit(const spawn_request& request) {
  if (!request.cpus.empty()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned cpu : request.cpus) {
      if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
    }
    if (::sched_setaffinity(0, sizeof(set), &set) != 0) {
      return fmt::format("cannot run on CPUs {}: {}", fmt::join(request.cpus, ","), system_text(errno));
    }
  }
  if (request.max_descriptors != 0) {
    const rlimit both = {.rlim_cur = request.max_descriptors, .rlim_max = request.max_descriptors};
    if (::setrlimit(RLIMIT_NOFILE, &both) != 0) {
      return fmt::format("cannot limit open files to {}: {}", request.max_descriptors, system_text(errno));
    }
  }
  return {};
}

std::string become(const std::string& user) {
  if (user.empty()) return {};
  errno = 0;
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return fmt::format("no user named {}", user);
  if (::initgroups(user.c_str(), entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 || ::setuid(entry->pw_uid) != 0) {
    return fmt::format("cannot become user {}: {}", user, system_text(errno));
  }
  return {};
}

void forget_signals() {
  for (int number = 1; number < NSIG; number++) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

std::string execute(const spawn_request& request) {
  std::vector<std::string> assignments;
  std::vector<char*> arguments;
  std::vector<char*> environment;
  assignments.reserve(request.environment.size());
  environment.reserve(request.environment.size() + 1);
  arguments.reserve(request.command.size() + 1);
  for (const auto& [name, value] : request.environment) assignments.push_back(fmt::format("{}={}", name, value));
  for (std::string& each : assignments) environment.push_back(each.data());
  for (const std::string& each : request.command) arguments.push_back(const_cast<char*>(each.c_str()));
  environment.push_back(nullptr);
  arguments.push_back(nullptr);
  ::environ = environment.data();  // execvp looks at its PATH
  ::execvp(arguments[0], arguments.data());
  return fmt::format("cannot start {}: {}", request.command.front(), system_text(errno));
}

std::string become_program(const spawn_request& request, pid_t keeper) {
  ::setsid();
  forget_signals();
  std::string failed = redirect(request);
  if (failed.empty()) failed = limit(request);
  if (failed.empty()) failed = become(request.user);
  if (!failed.empty()) return failed;
  if (!request.directory.empty() && ::chdir(request.directory.c_str()) != 0) {
    return fmt::format("cannot enter {}: {}", request.directory, system_text(errno));
  }
  // After the change of user, which clears it. It is for the keeper's own death.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != keeper) return "its keeper has ended";
  return execute(request);
}

// The pipe closes with a successful exec; before, it carries the reason.
std::string read_failure(int from) {
  std::string text;
  std::array<char, 4096> piece{};
  while (text.size() < piece.size()) {
    pollfd readable = {.fd = from, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&readable, 1, exec_limit_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return "its program was not loaded in time";
    const ssize_t got = ::read(from, piece.data(), piece.size());
    if (got <= 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

spawn_reply launch(const spawn_request& request) {
  std::array<int, 2> report{};
  if (::pipe2(report.data(), O_CLOEXEC) != 0) return {.error = "pipe: " + system_text(errno)};
  const pid_t keeper = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string failed = become_program(request, keeper);
    std::ignore = ::write(report[1], failed.data(), failed.size());
    ::_exit(127);
  }
  const int fork_error = errno;
  ::close(report[1]);
  spawn_reply reply = {.pid = child, .error = child < 0 ? "fork: " + system_text(fork_error) : read_failure(report[0])};
  ::close(report[0]);
  if (child > 0 && !reply.error.empty()) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return reply;
}

}  // namespace assay::subject
