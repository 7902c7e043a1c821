#include "lab/subject/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <utility>

#include "lab/subject/keeper_protocol.hpp"

namespace assay::subject {

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

// For the keeper to load, and the child's program.
constexpr milliseconds spawn_limit{20'000};
// After the grace, for the kernel to end what was killed.
constexpr milliseconds kill_limit{5'000};
constexpr milliseconds longest_wait = std::chrono::hours(24);

class descriptor {
 public:
  explicit descriptor(int number = -1) : number_(number) {}
  descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

// True when one of `events` or the end of the connection came in time.
bool wait_for(int socket, short events, milliseconds limit) {
  const auto until = steady::now() + std::clamp(limit, milliseconds(0), longest_wait);
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady::now());
    pollfd on = {.fd = socket, .events = events, .revents = 0};
    const int ready = ::poll(&on, 1, static_cast<int>(std::max<milliseconds::rep>(left.count(), 0)));
    if (ready > 0) return true;
    if (ready == 0 && steady::now() >= until) return false;
    if (ready < 0 && errno != EINTR) return false;
  }
}

// Nothing when the connection has ended, or there is no packet.
std::optional<std::string> receive(int socket, int flags) {
  std::string packet(max_packet_bytes, '\0');
  const ssize_t size = ::recv(socket, packet.data(), packet.size(), flags | MSG_DONTWAIT);
  if (size <= 0) return std::nullopt;
  packet.resize(static_cast<std::size_t>(size));
  return packet;
}

bool send_packet(int socket, const std::string& packet) {
  return ::send(socket, packet.data(), packet.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(packet.size());
}

// A keeper on the other end of `socket`: this program, with nothing but that socket.
std::expected<pid_t, std::string> start_keeper(int socket) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, socket, keeper_fd);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0);
  }
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::string name = "assay";
  std::string asked(keeper_argument);
  std::array<char*, 3> arguments = {name.data(), asked.data(), nullptr};
  pid_t pid = 0;
  const int failed = ::posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments.data(), ::environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return std::unexpected(fmt::format("cannot start a keeper: {}", std::strerror(failed)));
  return pid;
}

std::string absolute(const std::string& path) {
  std::error_code ignored;
  return path.empty() ? path : std::filesystem::absolute(path, ignored).string();
}

std::expected<std::string, std::string> packet_of(spawn_request request) {
  if (request.command.empty() || request.command.front().empty()) return std::unexpected("no command to start");
  request.directory = absolute(request.directory.empty() ? "." : request.directory);
  request.output = absolute(request.output);
  request.errors = absolute(request.errors);
  std::string packet = encode(request);
  if (packet.size() > max_packet_bytes) {
    return std::unexpected(fmt::format("cannot start {}: arguments and environment have {} bytes, at most {}",
                                       request.command.front(), packet.size(), max_packet_bytes));
  }
  // What the keeper would refuse: a NUL in a text, too many of them.
  if (!decode_spawn_request(packet)) {
    return std::unexpected(
        fmt::format("cannot start {}: an argument or a variable holds a NUL, or there are more than {}",
                    request.command.front(), max_strings));
  }
  return packet;
}

}  // namespace

// The last packet of a keeper, the exit report, is only ever peeked at: the socket stays readable, for any number of
// waiting threads. When everything has ended the keeper ends, and the socket hangs up.
struct process::state {
  descriptor socket;
  pid_t keeper = 0;
  pid_t child = 0;
  steady::time_point started;
  std::mutex reaping;
  bool reaped = false;

  void reap() {
    const std::lock_guard lock(reaping);
    while (!reaped) reaped = ::waitpid(keeper, nullptr, 0) == keeper || errno != EINTR;
  }
};

process::process(std::unique_ptr<state> owned) : state_(std::move(owned)) {}
process::process(process&&) noexcept = default;

process& process::operator=(process&& other) noexcept {
  process old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

process::~process() {
  if (state_) std::ignore = stop();
}

std::expected<process, std::string> process::spawn(const spawn_request& request) {
  if (!keeper_is_hooked) return std::unexpected("this program has no keeper: see lab/subject/keeper.hpp");
  const auto packet = packet_of(request);
  if (!packet) return std::unexpected(packet.error());
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return std::unexpected(fmt::format("cannot start a keeper: {}", std::strerror(errno)));
  }
  auto owned = std::make_unique<state>();
  owned->socket = descriptor(ends[0]);
  descriptor other(ends[1]);
  const auto keeper = start_keeper(other.get());
  if (!keeper) return std::unexpected(keeper.error());
  other = descriptor();
  owned->keeper = *keeper;
  owned->started = steady::now();

  std::optional<spawn_reply> reply;
  if (send_packet(owned->socket.get(), *packet) && wait_for(owned->socket.get(), POLLIN, spawn_limit)) {
    const std::optional<std::string> answer = receive(owned->socket.get(), 0);
    if (answer) reply = decode_spawn_reply(*answer);
  }
  if (!reply || !reply->error.empty()) {
    ::kill(owned->keeper, SIGKILL);  // ours, not reaped yet; a child that is still loading dies with it
    owned->reap();
    return std::unexpected(reply ? reply->error
                                 : fmt::format("cannot start {}: its keeper does not answer", request.command.front()));
  }
  owned->child = reply->pid;
  return process(std::move(owned));
}

pid_t process::pid() const { return state_->child; }
pid_t process::keeper_pid() const { return state_->keeper; }
steady::time_point process::started() const { return state_->started; }
bool process::running() const { return !exit(); }

std::optional<exit_report> process::wait_exit(milliseconds limit) const {
  if (!wait_for(state_->socket.get(), POLLIN, limit)) return std::nullopt;
  const std::optional<std::string> packet = receive(state_->socket.get(), MSG_PEEK);
  std::optional<exit_report> report = packet ? decode_exit_report(*packet) : std::nullopt;
  return report ? report : exit_report{.signal = SIGKILL, .keeper_lost = true};
}

void process::ask_to_stop(milliseconds grace) {
  // Fails when the keeper has ended, and then there is nothing to stop.
  std::ignore = send_packet(state_->socket.get(), encode(stop_order{.grace = std::max(grace, milliseconds(0))}));
}

std::expected<exit_report, std::string> process::stop(milliseconds grace) {
  ask_to_stop(grace);
  if (!wait_for(state_->socket.get(), 0, std::clamp(grace, milliseconds(0), longest_wait) + kill_limit)) {
    return std::unexpected(
        fmt::format("process {} or one that it started cannot be ended (keeper {})", state_->child, state_->keeper));
  }
  state_->reap();
  return *wait_exit(milliseconds(0));
}

std::string describe(const exit_report& report) {
  if (report.keeper_lost) return "was ended together with its keeper, which somebody killed";
  if (report.signal != 0) return fmt::format("was ended by signal {} ({})", report.signal, ::strsignal(report.signal));
  return fmt::format("exited with status {}", report.status);
}

}  // namespace assay::subject
