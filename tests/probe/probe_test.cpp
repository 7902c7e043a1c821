// Starts itself under the preload library as a small event loop, and reads what the library has written.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lab/inside/allocation_counts.hpp"
#include "lab/inside/environment.hpp"
#include "lab/inside/observer.hpp"
#include "lab/inside/probe_reader.hpp"
#include "tests/probe/probe_children.hpp"

namespace assay::inside {
namespace {

constexpr int populate_advice = 23;  // MADV_POPULATE_WRITE, since Linux 5.14

class probe : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay-probe-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // Runs this program as one of the children; its process id, or -1 when it did not end with 0.
  pid_t run(const std::string& child, const std::map<std::string, std::string>& existing = {}) {
    return start("/proc/self/exe", child, existing);
  }
  pid_t start(const std::string& program, const std::string& child,
              const std::map<std::string, std::string>& existing = {}, unsigned user = 0) {
    const auto found = find_probe();
    EXPECT_TRUE(found) << found.error();
    const auto variables = environment(*found, directory_, "cpp", existing);
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (const auto& [key, value] : variables) ::setenv(key.c_str(), value.c_str(), 1);
      ::setenv("ASSAY_PROBE_CHILD", child.c_str(), 1);
      if (user != 0 && ::setuid(user) != 0) ::_exit(126);
      ::execl(program.c_str(), "probe_test", nullptr);
      ::_exit(127);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    return pid;
  }
  probe_reader read(pid_t pid) {
    auto reader = probe_reader::open(path(pid));
    EXPECT_TRUE(reader) << reader.error();
    return std::move(*reader);
  }
  std::string path(pid_t pid) const { return directory_ + "/" + std::to_string(pid) + ".probe"; }
  std::string directory_;
};

TEST_F(probe, a_wait_for_one_thing_is_a_blocking_call_of_the_loop) {
  auto reader = read(run("waits"));
  const auto threads = reader.threads();
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_GE(threads[0].waits, static_cast<std::uint64_t>(turns - 33));
  EXPECT_EQ(threads[0].calls, 2U);
  const auto events = reader.new_events();
  ASSERT_EQ(events.size(), 2U);
  for (const auto& event : events) {
    EXPECT_EQ(event.call, "recv (poll)");
    EXPECT_TRUE(event.peer.starts_with("pipe:[")) << event.peer;
    EXPECT_GE(event.length_ns, slow_ms * 990'000U);
    EXPECT_FALSE(event.frames.empty());
  }
  EXPECT_EQ(reader.new_stalls().size(), 2U);  // the segment went on meanwhile
  EXPECT_TRUE(reader.new_events().empty());
}

TEST_F(probe, a_lock_and_a_pause_of_the_collector_are_kept) {
  const auto events = read(run("locked")).new_events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].call, "lock");
  EXPECT_EQ(events[1].call, "garbage collection");
  for (const auto& event : events) EXPECT_GE(event.length_ns, slow_ms * 990'000U);
}

TEST_F(probe, a_long_call_on_what_never_blocks_is_no_blocking_call) {
  EXPECT_TRUE(read(run("busy")).new_events().empty());
  EXPECT_FALSE(read(run("blocked")).new_events().empty());
}

TEST_F(probe, is_switched_off_and_on_while_it_runs) {
  auto reader = read(run("switched"));
  const auto threads = reader.threads();
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_EQ(threads[0].waits, static_cast<std::uint64_t>(2 * turns - waits_before_a_loop + 1));
  EXPECT_EQ(reader.new_events().size(), 1U) << "the one behind the pause";
  EXPECT_EQ(reader.new_stalls().size(), 1U);
}

TEST_F(probe, allocations_are_counted_where_they_are_asked_for) {
  run("waits");
  for (const auto& each : std::filesystem::directory_iterator(directory_)) {
    EXPECT_NE(each.path().extension(), ".alloc") << "nobody has asked";
  }
  ::setenv(allocations_variable, "1", 1);
  const pid_t pid = run("allocates");
  ::unsetenv(allocations_variable);
  const auto counted = allocation_counts(directory_).look({static_cast<std::uint32_t>(pid)});
  ASSERT_TRUE(counted);
  EXPECT_GT(counted->allocations, 70'000U);
  EXPECT_GE(counted->allocated_bytes, counted->live_bytes);
}

TEST_F(probe, a_worker_with_an_epoll_a_query_is_no_loop) { EXPECT_TRUE(read(run("worker")).threads().empty()); }

TEST_F(probe, results_and_errno_pass_through) { EXPECT_EQ(read(run("errors")).threads().size(), 1U); }

TEST_F(probe, a_child_of_fork_has_its_own_file) {
  const auto parent = run("forks");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    const auto reader = probe_reader::open(entry.path().string());
    ASSERT_TRUE(reader) << reader.error();
    const auto threads = reader->threads();
    ASSERT_EQ(threads.size(), 1U);
    EXPECT_EQ(threads[0].tid, reader->pid());
    EXPECT_EQ(static_cast<pid_t>(reader->pid()) == parent, threads[0].waits < turns);
    ++files;
  }
  EXPECT_EQ(files, 2);
}

TEST_F(probe, threads_that_end_leave_their_places) {
  const auto threads = read(run("threads")).threads();
  EXPECT_EQ(threads.size(), std::size_t{assay_probe_slots}) << "of two thousand";
  for (const auto& thread : threads) EXPECT_NE(thread.ended_ns, 0U);
}

TEST_F(probe, a_child_of_vfork_does_its_parent_no_harm) {
  auto reader = read(run("vforks"));
  const auto threads = reader.threads();
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_EQ(threads[0].tid, reader.pid());
  EXPECT_EQ(threads[0].waits, static_cast<std::uint64_t>(turns - waits_before_a_loop + vforked));
}

TEST_F(probe, what_exec_makes_of_a_process_begins_anew) { EXPECT_TRUE(read(run("execs")).threads().empty()); }

TEST_F(probe, descriptors_that_are_closed_meanwhile_do_no_harm) {
  auto reader = read(run("closes"));
  std::uint64_t waits = 0;  // of the loop before and of the one after, which may have a place of its own
  for (const auto& thread : reader.threads()) waits += thread.waits;
  EXPECT_EQ(waits, 2U * (turns - waits_before_a_loop));
  const auto events = reader.new_events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].call, "recv (poll)");
  EXPECT_EQ(events[0].peer, "");
}

TEST_F(probe, a_server_that_drops_its_privileges_goes_on) {
  const auto threads = read(run("drops")).threads();
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_EQ(threads[0].waits, static_cast<std::uint64_t>(2 * turns - waits_before_a_loop));
}

// Only root can lend its rights, and not from where programs lend none: else it is a program like any.
TEST_F(probe, a_set_uid_program_runs_without_it) {
  struct statvfs about{};
  ASSERT_EQ(::statvfs(directory_.c_str(), &about), 0);
  const bool lends = ::geteuid() == 0 && (about.f_flag & ST_NOSUID) == 0;
  const auto program = directory_ + "/true";
  std::filesystem::copy_file(std::filesystem::canonical("/bin/true"), program);
  std::filesystem::permissions(program, std::filesystem::perms{04755});
  std::filesystem::permissions(directory_, std::filesystem::perms{0777});
  const pid_t pid = start(program, "", {}, lends ? nobody : 0);
  EXPECT_EQ(std::filesystem::exists(path(pid)), !lends);
}

TEST_F(probe, a_library_of_the_programs_own_is_called_as_before) {
  const auto file = path(run("preloads", {{"LD_PRELOAD", PROBE_OWN_LIBRARY}}));
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(probe, of_a_stall_it_is_known_what_the_thread_did) {
  auto reader = read(run("away"));
  const auto stalls = reader.new_stalls();
  ASSERT_EQ(stalls.size(), 2U);
  ASSERT_TRUE(stalls[0].use && stalls[1].use);
  EXPECT_GE(stalls[0].use->cpu_ns, 2 * slow_ms * 900'000U) << "it computed";
  EXPECT_LT(stalls[1].use->cpu_ns, stalls[1].length_ns / 2) << "it slept";
  EXPECT_GE(stalls[1].use->slept, 1U);
  EXPECT_TRUE(reader.new_events().empty());
}

TEST_F(probe, mutexes_and_conditions_are_locks) {
  const auto events = read(run("contends")).new_events();
  ASSERT_EQ(events.size(), 2U);
  for (const auto& event : events) {
    EXPECT_EQ(event.call, "lock");
    EXPECT_GE(event.length_ns, slow_ms * 900'000U);
  }
}

TEST_F(probe, opening_what_is_slow_is_named_by_its_path) {
  std::vector<std::string> paths;
  for (const auto& event : read(run("opens")).new_events()) {
    if (event.call == "open") paths.push_back(event.peer);
  }
  EXPECT_EQ(paths, (std::vector{directory_ + "/fifo", directory_ + "/fifo.stdio"}));
}

// The names of the calls that were kept, in their order.
std::vector<std::string> calls_of(probe_reader& reader) {
  std::vector<std::string> calls;
  for (const auto& event : reader.new_events()) calls.push_back(event.call);
  return calls;
}

TEST_F(probe, a_wait_by_the_system_call_itself_is_a_lock) {
  auto reader = read(run("futex"));
  EXPECT_EQ(calls_of(reader), (std::vector<std::string>{"lock", "lock"}));
}

TEST_F(probe, waits_for_other_threads_processes_and_clients_are_kept) {
  auto reader = read(run("waits_for_others"));
  EXPECT_EQ(calls_of(reader),
            (std::vector<std::string>{"accept", "waitpid", "pthread_join", "lock", "lock", "lock", "lock"}));
}

TEST_F(probe, of_a_wait_for_a_client_the_own_address_is_told) {
  const auto events = read(run("waits_for_others")).new_events();
  ASSERT_FALSE(events.empty());
  EXPECT_TRUE(events[0].peer.starts_with("127.0.0.1:")) << events[0].peer;
}

TEST_F(probe, slow_files_are_named_by_call_and_path) {
  const auto events = read(run("slow_files", {{"LD_PRELOAD", PROBE_OWN_LIBRARY}})).new_events();
  const std::string path = directory_ + "/slow.txt";
  const std::vector<std::pair<std::string, std::string>> expected{{"write", path},
                                                                  {"read", path},
                                                                  {"read", ""},
                                                                  {"stat", path},
                                                                  {"stat", path + "/no"},
                                                                  {"sendfile", path + ".copy"},
                                                                  {"copy_file_range", path + ".copy"},
                                                                  {"rename", path},
                                                                  {"unlink", path + ".new"},
                                                                  {"unlink", path}};
  ASSERT_EQ(events.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(std::pair(events[i].call, events[i].peer), expected[i]);
  }
}

TEST_F(probe, a_signal_whose_handler_forks_in_the_middle_of_a_wait_does_no_harm) {
  const auto threads = read(run("forks_inside", {{"LD_PRELOAD", PROBE_OWN_LIBRARY}})).threads();
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_EQ(threads[0].waits, static_cast<std::uint64_t>(5 * turns - waits_before_a_loop));
}

// Every process that a service starts has the library with it; few of them are loops.
TEST_F(probe, the_file_of_a_process_without_a_loop_takes_up_its_head_alone) {
  struct stat about{};
  ASSERT_EQ(::stat(path(run("worker")).c_str(), &about), 0);
  EXPECT_EQ(about.st_size, static_cast<off_t>(sizeof(assay_probe_file)));
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const bool by_the_page = ::madvise(nullptr, 0, populate_advice) == 0;
  const auto most = by_the_page ? 16 * page : sizeof(assay_probe_file) + page;
  EXPECT_LE(static_cast<std::size_t>(about.st_blocks) * 512, most);
}

TEST_F(probe, loops_that_begin_at_the_same_moment_have_a_place_each) {
  for (int i = 0; i < 3; ++i) {
    const auto threads = read(run("crowd")).threads();
    std::set<std::uint32_t> tids;
    for (const auto& thread : threads) {
      tids.insert(thread.tid);
      EXPECT_EQ(thread.waits, static_cast<std::uint64_t>(turns));
    }
    EXPECT_EQ(threads.size(), static_cast<std::size_t>(2 * pairs));
    EXPECT_EQ(tids.size(), static_cast<std::size_t>(2 * pairs));
  }
}

TEST_F(probe, a_loop_after_a_loop_of_the_same_thread_is_another) {
  const auto threads = read(run("restarts")).threads();
  ASSERT_EQ(threads.size(), 2U);
  EXPECT_EQ(threads[0].tid, threads[1].tid);
  EXPECT_NE(threads[0].generation, threads[1].generation);
}

TEST_F(probe, select_looks_no_further_than_its_sets) { run("select"); }

TEST_F(probe, a_process_that_ended_is_not_away_for_ever) {
  const instant begin = observer::now();
  run("leaves");
  observer watching({.root_pids = [] { return std::vector<std::uint32_t>{}; },
                     .probe_directory = directory_,
                     .port_names = {},
                     .runtime = "cpp",
                     .stall_threshold_ms = slow_ms});
  ASSERT_TRUE(watching.start(begin));
  const auto seen = watching.finish({{"all", begin, observer::now()}});
  ASSERT_TRUE(seen) << seen.error();
  EXPECT_LT(seen->lag.at(0).utilisation, 0.5);
  EXPECT_TRUE(seen->events.empty()) << seen->events.at(0).text;
}

TEST_F(probe, signals_in_the_middle_of_a_wait_do_no_harm) {
  const auto threads = read(run("signals")).threads();
  ASSERT_EQ(threads.size(), 1U);
  EXPECT_GE(threads[0].waits, 500U);
}

TEST_F(probe, what_is_no_probe_file_is_an_error) {
  EXPECT_FALSE(probe_reader::open(path(1)));
  std::ofstream(path(2)) << "short";
  EXPECT_FALSE(probe_reader::open(path(2)));
  ASSERT_EQ(::mkfifo(path(4).c_str(), 0600), 0);
  EXPECT_FALSE(probe_reader::open(path(4))) << "and nobody waits for its other end";
  std::ofstream(path(3)).close();
  std::filesystem::resize_file(path(3), sizeof(assay_probe_file));
  const auto empty = probe_reader::open(path(3));
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().find("magic"), std::string::npos);
}

// The shims and the benchmarks reach into the file by these numbers.
static_assert(offsetof(assay_probe_file, paused) == 72 && offsetof(assay_probe_file, slots) == 128);
static_assert(sizeof(assay_probe_slot) == 5312 && offsetof(assay_probe_slot, tid) == 8);
static_assert(offsetof(assay_probe_slot, ended_ns) == 40 && offsetof(assay_probe_slot, busy_since_ns) == 48);
static_assert(sizeof(assay_probe_note) == 1088 && offsetof(assay_probe_note, what) == 24);
static_assert(offsetof(assay_probe_note, stack) == 64);

// Before main, which is GoogleTest's own.
__attribute__((constructor)) void child_runs_instead() {
  if (const char* child = std::getenv("ASSAY_PROBE_CHILD")) std::_Exit(run_child(child));
}

}  // namespace
}  // namespace assay::inside
