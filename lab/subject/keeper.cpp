#include "lab/subject/keeper.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "lab/subject/launch.hpp"

namespace assay::subject {

bool keeper_is_hooked = false;

namespace {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

// When the other end is gone, or the child has ended, nobody waits for a polite end.
constexpr milliseconds abandoned_grace{1000};
// Between two rounds of signals: new orphans arrive as their parents die.
constexpr milliseconds round_length{10};
// A process that the kernel cannot end (a dead disk) is left after so long.
constexpr milliseconds hopeless{60'000};
constexpr milliseconds order_limit{10'000};

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// The children of this process, also those that were handed to it.
std::vector<pid_t> own_children() {
  std::ifstream list("/proc/thread-self/children");
  std::vector<pid_t> children;
  for (pid_t each = 0; list >> each;) children.push_back(each);
  return children;
}

class keeper {
 public:
  explicit keeper(int signals) : signals_(signals) {}

  int run();

 private:
  enum class phase : std::uint8_t { serving, asking, killing };

  bool start();
  void look();
  void hear();
  void reap();
  void stop(milliseconds grace);
  void signal_children();
  int wait_ms() const;

  int signals_;
  spawn_request request_;
  pid_t main_ = 0;  // 0 once it has been reaped
  phase now_ = phase::serving;
  bool connected_ = true;
  bool childless_ = false;
  steady::time_point kill_at_;
  steady::time_point give_up_at_;
  std::set<pid_t> asked_;
};

std::optional<std::string> receive(int flags) {
  std::string packet(max_packet_bytes, '\0');
  const ssize_t size = ::recv(keeper_fd, packet.data(), packet.size(), flags | MSG_TRUNC);
  if (size <= 0 || static_cast<std::size_t>(size) > packet.size()) return std::nullopt;
  packet.resize(static_cast<std::size_t>(size));
  return packet;
}

void send_packet(const std::string& packet) {
  // The other end may be gone; the socket tells so when it is read.
  std::ignore = ::send(keeper_fd, packet.data(), packet.size(), MSG_NOSIGNAL);
}

bool keeper::start() {
  pollfd order = {.fd = keeper_fd, .events = POLLIN, .revents = 0};
  if (::poll(&order, 1, static_cast<int>(order_limit.count())) != 1) return false;
  const std::optional<std::string> packet = receive(0);
  if (!packet) return false;
  std::optional<spawn_request> request = decode_spawn_request(*packet);
  if (!request) {
    send_packet(encode(spawn_reply{.error = "the keeper was given an order that it cannot read"}));
    return false;
  }
  request_ = std::move(*request);
  const spawn_reply reply = launch(request_);
  send_packet(encode(reply));
  if (!reply.error.empty()) return false;
  main_ = reply.pid;
  return true;
}

int keeper::run() {
  if (!start()) return 1;
  while (true) {
    reap();
    if (childless_) {
      std::error_code ignored;  // what cannot be removed is a leftover file, no leftover process
      if (!request_.scratch.empty()) std::filesystem::remove_all(request_.scratch, ignored);
      return 0;
    }
    if (now_ != phase::serving) {
      if (steady::now() >= give_up_at_) return 1;
      signal_children();
    }
    look();
  }
}

int keeper::wait_ms() const { return now_ == phase::serving ? -1 : static_cast<int>(round_length.count()); }

void keeper::look() {
  std::array<pollfd, 2> from = {pollfd{.fd = signals_, .events = POLLIN, .revents = 0},
                                pollfd{.fd = connected_ ? keeper_fd : -1, .events = POLLIN, .revents = 0}};
  if (::poll(from.data(), from.size(), wait_ms()) <= 0) return;
  if (from[0].revents != 0) {
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof(info)) == sizeof(info) && info.ssi_signo != SIGCHLD) stop(abandoned_grace);
  }
  if (from[1].revents != 0) hear();
}

void keeper::hear() {
  const std::optional<std::string> packet = receive(MSG_DONTWAIT);
  const std::optional<stop_order> order = packet ? decode_stop_order(*packet) : std::nullopt;
  if (!order) connected_ = false;  // closed; or nonsense, and whoever speaks it cannot be served
  stop(order ? order->grace : abandoned_grace);
}

void keeper::stop(milliseconds grace) {
  const steady::time_point at = steady::now() + grace;
  if (now_ == phase::serving) {
    now_ = phase::asking;
    kill_at_ = at;
    give_up_at_ = at + hopeless;
  }
  kill_at_ = std::min(kill_at_, at);
  give_up_at_ = std::min(give_up_at_, kill_at_ + hopeless);
}

void keeper::reap() {
  int status = 0;
  rusage usage{};
  pid_t ended = 0;
  while ((ended = ::wait4(-1, &status, WNOHANG, &usage)) > 0) {
    asked_.erase(ended);
    if (ended != main_) continue;
    main_ = 0;
    send_packet(encode(exit_report{.status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
                                   .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
                                   .user_s = seconds_of(usage.ru_utime),
                                   .system_s = seconds_of(usage.ru_stime),
                                   .max_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024}));
    stop(abandoned_grace);
  }
  childless_ = ended < 0 && errno == ECHILD;
}

void keeper::signal_children() {
  if (now_ == phase::asking && steady::now() >= kill_at_) now_ = phase::killing;
  // Until it has been reaped its number names this group and no other.
  if (now_ == phase::killing && main_ != 0) ::kill(-main_, SIGKILL);
  for (const pid_t child : own_children()) {
    if (now_ == phase::killing) {
      ::kill(child, SIGKILL);
    } else if (asked_.insert(child).second) {
      ::kill(child == main_ ? -child : child, child == main_ ? request_.stop_signal : SIGTERM);
      ::kill(child, SIGCONT);  // a stopped process would not hear it
    }
  }
}

int serve() {
  ::setsid();
  ::prctl(PR_SET_NAME, "assay-keeper");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::close_range(keeper_fd + 1, ~0U, 0);
  ::fcntl(keeper_fd, F_SETFD, FD_CLOEXEC);
  std::signal(SIGCHLD, SIG_DFL);  // ignored, it would take the exit statuses away
  // Every signal is blocked: only SIGKILL can take the keeper away from its children.
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  sigset_t heard;
  sigemptyset(&heard);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&heard, number);
  const int signals = ::signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) return 1;
  return keeper(signals).run();
}

}  // namespace

std::optional<int> run_keeper_if_asked(int argc, const char* const* argv) {
  keeper_is_hooked = true;
  if (argc != 2 || argv[1] != keeper_argument) return std::nullopt;
  int kind = 0;
  socklen_t size = sizeof(kind);
  const bool socket = ::getsockopt(keeper_fd, SOL_SOCKET, SO_TYPE, &kind, &size) == 0 && kind == SOCK_SEQPACKET;
  if (!socket) {
    fmt::print(stderr, "{} is how this program starts itself, to mind a process; it is no command\n", keeper_argument);
    return 2;
  }
  return serve();
}

}  // namespace assay::subject
