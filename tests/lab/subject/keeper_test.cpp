// Real processes: what is started, what is told about it, and that nothing is left, whoever dies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <thread>

#include "lab/subject/keeper_protocol.hpp"
#include "tests/lab/subject/support.hpp"

namespace assay::subject {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::MatchesRegex;

// Children that do what they can to get away: other sessions, double forks, deaf to polite signals.
constexpr const char* runaways =
    "trap '' TERM INT HUP;"
    "for i in 1 2 3; do setsid sh -c '(trap \"\" TERM; setsid tail -f /dev/null & tail -f /dev/null & )' & done;"
    "tail -f /dev/null & echo up; wait; wait";

// The shell, its own tail, and two from each of the three that went away.
constexpr std::size_t runaway_count = 8;

// A process of its own that spawns, then lives until it is killed or told to end: its pid and the number of runaways.
pid_t fork_client(const std::string& mark, bool ends_by_itself) {
  const pid_t client = ::fork();
  if (client != 0) return client;
  const auto child = process::spawn(shell(runaways, mark));
  if (!child) ::_exit(1);
  if (ends_by_itself && wait_until([&] { return find_marked(mark).size() >= runaway_count; })) ::_exit(0);
  while (true) ::pause();
}

TEST(keeper, nothing_is_left_when_the_client_is_killed_at_any_moment) {
  std::mt19937 random(7);
  for (int round = 0; round < 3; round++) {
    const std::string mark = fresh_mark();
    const pid_t client = fork_client(mark, false);
    // From before the first process to all of them.
    const std::size_t at_least = round == 0 ? 0 : std::uniform_int_distribution<std::size_t>(0, runaway_count)(random);
    EXPECT_TRUE(wait_until([&] { return find_marked(mark).size() >= at_least; }));
    ::kill(client, SIGKILL);
    ::waitpid(client, nullptr, 0);
    EXPECT_TRUE(wait_until([&] { return find_marked(mark).empty(); }, 5s)) << "round " << round;
  }
}

TEST(keeper, nothing_is_left_when_the_client_exits) {
  const std::string mark = fresh_mark();
  const pid_t client = fork_client(mark, true);
  int status = 1;
  ::waitpid(client, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(wait_until([&] { return find_marked(mark).empty(); }, 5s));
}

TEST(keeper, nothing_is_left_when_it_is_told_to_stop) {
  const std::string mark = fresh_mark();
  auto child = process::spawn(shell(runaways, mark));
  ASSERT_TRUE(child) << child.error();
  EXPECT_TRUE(wait_until([&] { return find_marked(mark).size() >= runaway_count; }));
  const auto report = child->stop(200ms);
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(report->signal, SIGKILL);
  EXPECT_TRUE(find_marked(mark).empty());
}

TEST(keeper, what_a_child_leaves_behind_ends_with_it) {
  const std::string mark = fresh_mark();
  auto child = process::spawn(shell("setsid tail -f /dev/null & exit 3", mark));
  ASSERT_TRUE(child) << child.error();
  const auto report = child->wait_exit(5s);
  ASSERT_TRUE(report);
  EXPECT_EQ(describe(*report), "exited with status 3");
  EXPECT_TRUE(wait_until([&] { return find_marked(mark).empty(); }, 5s));
}

TEST(keeper, stops_politely_first) {
  const temporary_directory dir;
  spawn_request request = shell("trap 'echo bye; exit 0' INT; echo up; while :; do tail -f /dev/null & wait; done");
  request.output = dir.file("log");
  request.stop_signal = SIGINT;
  auto child = process::spawn(request);
  ASSERT_TRUE(child) << child.error();
  EXPECT_TRUE(wait_until([&] { return read_text(request.output) == "up\n"; }));
  EXPECT_TRUE(child->running());
  const auto report = child->stop(10s);
  ASSERT_TRUE(report) << report.error();
  EXPECT_EQ(describe(*report), "exited with status 0");
  EXPECT_EQ(read_text(request.output), "up\nbye\n");
  EXPECT_FALSE(child->running());
  EXPECT_TRUE(child->stop());  // once more is harmless
}

TEST(keeper, a_stopped_process_is_ended_too) {
  auto child = process::spawn(shell("exec tail -f /dev/null"));
  ASSERT_TRUE(child);
  ::kill(child->pid(), SIGSTOP);
  const auto report = child->stop(10s);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->signal, SIGTERM);
}

TEST(keeper, an_end_is_seen_by_every_waiting_thread) {
  auto child = process::spawn(shell("exec tail -f /dev/null"));
  ASSERT_TRUE(child);
  std::atomic<int> seen = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; i++) {
    threads.emplace_back([&] { seen += child->wait_exit(10s).has_value() ? 1 : 0; });
  }
  ::kill(child->pid(), SIGKILL);
  threads.clear();
  EXPECT_EQ(seen, 4);
  EXPECT_EQ(describe(*child->exit()), "was ended by signal 9 (Killed)");
}

TEST(keeper, a_killed_keeper_takes_its_child_along) {
  const std::string mark = fresh_mark();
  auto child = process::spawn(shell("exec tail -f /dev/null", mark));
  ASSERT_TRUE(child);
  ::kill(child->keeper_pid(), SIGKILL);
  const auto report = child->wait_exit(5s);
  ASSERT_TRUE(report);
  EXPECT_THAT(describe(*report), HasSubstr("keeper"));
  EXPECT_TRUE(wait_until([&] { return find_marked(mark).empty(); }));
}

TEST(keeper, the_terminal_cannot_reach_a_child) {
  auto child = process::spawn(shell("exec tail -f /dev/null"));
  ASSERT_TRUE(child);
  EXPECT_NE(::getsid(child->keeper_pid()), ::getsid(0));
  EXPECT_EQ(::getsid(child->pid()), child->pid());
  EXPECT_EQ(::getpgid(child->pid()), child->pid());
}

TEST(keeper, fifty_at_a_time) {
  const std::string mark = fresh_mark();
  std::vector<process> children;
  for (int i = 0; i < 50; i++) {
    auto child = process::spawn(shell("exec tail -f /dev/null", mark));
    ASSERT_TRUE(child) << child.error();
    children.push_back(std::move(*child));
  }
  EXPECT_EQ(find_marked(mark).size(), 50U);
  for (process& each : children) each.ask_to_stop();
  children.clear();
  EXPECT_TRUE(find_marked(mark).empty());
}

TEST(keeper, tells_why_a_program_does_not_start) {
  const temporary_directory dir;
  write_text(dir.file("plain"), "no program");
  const auto why = [](spawn_request request) {
    if (request.environment.empty()) request.environment = marked("none");
    const auto child = process::spawn(request);
    return child ? std::string("started") : child.error();
  };
  EXPECT_EQ(why({.command = {"no-such-program"}}), "cannot start no-such-program: No such file or directory");
  EXPECT_EQ(why({.command = {dir.file("plain")}}), "cannot start " + dir.file("plain") + ": Permission denied");
  EXPECT_EQ(why({.command = {"true"}, .directory = "/nowhere"}), "cannot enter /nowhere: No such file or directory");
  EXPECT_EQ(why({.command = {"true"}, .user = "nobody-of-that-name"}), "no user named nobody-of-that-name");
  EXPECT_EQ(why({.command = {"true"}, .output = "/nowhere/log"}),
            "cannot open /nowhere/log: No such file or directory");
  EXPECT_THAT(why({.command = {"true"}, .cpus = {1000}}), HasSubstr("cannot run on CPUs 1000: "));
  EXPECT_EQ(why({}), "no command to start");
  EXPECT_THAT(why({.command = {"true", std::string("a\0b", 3)}}), HasSubstr("NUL"));
  EXPECT_THAT(why({.command = {"true", std::string(200'000, 'x')}}), HasSubstr("200"));
}

TEST(keeper, sets_what_was_asked_for) {
  const temporary_directory dir;
  write_text(dir.file("log"), "before\n");
  spawn_request request = shell(
      "pwd; echo $COLOUR; ulimit -n; grep Cpus_allowed_list /proc/self/status; env | wc -l; "
      "echo to stderr >&2");
  request.environment["COLOUR"] = "blue";
  request.environment["LONG"] = std::string(100'000, 'x');
  request.directory = dir.path();
  request.output = dir.file("log");
  request.errors = dir.file("errors");
  request.max_descriptors = 77;
  request.cpus = {0};
  auto child = process::spawn(request);
  ASSERT_TRUE(child) << child.error();
  const auto report = child->wait_exit(5s);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->clean());
  EXPECT_GT(report->max_rss_bytes, 100'000U);
  // PATH, the mark, COLOUR, LONG, and the shell's PWD.
  EXPECT_EQ(read_text(dir.file("log")), "before\n" + dir.path() + "\nblue\n77\nCpus_allowed_list:\t0\n5\n");
  EXPECT_EQ(read_text(dir.file("errors")), "to stderr\n");
}

TEST(keeper, hands_down_no_descriptor_and_no_signal) {
  const temporary_directory dir;
  spawn_request request = shell("ls /proc/self/fd | tr '\\n' ' '; grep -E 'Sig(Blk|Ign)' /proc/self/status");
  request.output = dir.file("log");
  ::signal(SIGUSR1, SIG_IGN);
  auto child = process::spawn(request);
  ::signal(SIGUSR1, SIG_DFL);
  ASSERT_TRUE(child && child->wait_exit(5s));
  // The highest digits hold signals that belong to the C library.
  EXPECT_THAT(read_text(dir.file("log")),
              MatchesRegex("0 1 2 3 SigBlk:\t0000000000000000\nSigIgn:\t[0-9a-f]+0000000\n"));
}

TEST(keeper, drops_to_a_user_where_it_may) {
  if (::getuid() != 0) {  // then it must say that it may not
    spawn_request request = shell("id -un");
    request.user = "nobody";
    EXPECT_THAT(process::spawn(request).error(), HasSubstr("cannot become user nobody"));
    return;
  }
  const temporary_directory dir;
  spawn_request request = shell("id -un; id -G | wc -w; grep -c 'CapEff:.*[^0]$' /proc/self/status");
  request.user = "nobody";
  request.directory = "/";
  request.output = dir.file("log");
  auto child = process::spawn(request);
  ASSERT_TRUE(child) << child.error();
  ASSERT_TRUE(child->wait_exit(5s));
  EXPECT_EQ(read_text(dir.file("log")), "nobody\n1\n0\n");
}

TEST(keeper_protocol, reads_what_it_wrote_and_nothing_else) {
  const spawn_request request = {.command = {"a", ""}, .environment = {{"K", "v"}}, .directory = "/", .cpus = {1, 5}};
  const std::string packet = encode(request);
  const auto back = decode_spawn_request(packet);
  ASSERT_TRUE(back);
  EXPECT_EQ(encode(*back), packet);
  for (std::size_t size = 0; size < packet.size(); size++) EXPECT_FALSE(decode_spawn_request(packet.substr(0, size)));
  EXPECT_FALSE(decode_spawn_request(packet + "x"));
  EXPECT_FALSE(decode_stop_order(packet));
  EXPECT_FALSE(decode_exit_report(encode(stop_order{})));
  // A count and a size that promise more than there is.
  for (std::size_t at = 0; at < packet.size(); at++) {
    std::string bent = packet;
    bent[at] = '\xff';
    std::ignore = decode_spawn_request(bent);
  }
}

}  // namespace
}  // namespace assay::subject
