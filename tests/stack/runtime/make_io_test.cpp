// What happens where the system refuses io_uring. Each case runs in a child process behind a seccomp filter that lets
// single system calls fail, as a container's profile does; root and ordinary users alike may install one.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <string>

#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"

namespace assay {
namespace {

using namespace std::chrono_literals;

template <std::size_t Length>
bool install(std::array<sock_filter, Length>& program) {
  const sock_fprog filter{.len = Length, .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}

// From here on `system_call` fails with `error_number` in this process.
bool refuse(unsigned system_call, unsigned error_number) {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, system_call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error_number & SECCOMP_RET_DATA)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  return install(program);
}

// From here on rings of more than `max_entries` are refused as an exhausted locked-memory limit refuses them.
bool refuse_large_rings(unsigned max_entries) {
  std::array<sock_filter, 6> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),  // the low half of the first, little-endian
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, max_entries, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  return install(program);
}

struct child_result {
  int exit_code = -1;
  std::string said;  // on stderr
};

// Runs `body` in a child process; its return value becomes the exit code.
child_result in_child(const std::function<int()>& body) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::unsetenv("ASSAY_IO");
    ::_exit(body());
  }
  ::close(ends[1]);
  child_result got;
  std::array<char, 4096> part{};
  for (ssize_t n = 0; (n = ::read(ends[0], part.data(), part.size())) > 0;) {
    got.said.append(part.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  got.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return got;
}

task<result<void>> short_sleep() { co_return co_await delay_for(1ms); }

// 0 when two loops in a row work on epoll.
int two_loops_on_epoll() {
  for (int i = 0; i < 2; ++i) {
    result<std::unique_ptr<io>> backend = make_io();
    if (!backend) return 2;
    if ((*backend)->name() != "epoll") return 3;
    loop on(std::move(*backend));
    if (!on.run(short_sleep())) return 4;
  }
  return 0;
}

struct refusal {
  const char* name;
  unsigned error_number;
  const char* says;
};

class refused_ring_test : public ::testing::TestWithParam<refusal> {};

// "io_uring is blocked in containers" since Docker's default profile refuses it: among the reasons, `permission`.
TEST_P(refused_ring_test, moby_47532_epoll_serves_and_one_line_says_why) {
  const child_result got = in_child([] {
    if (!refuse(SYS_io_uring_setup, GetParam().error_number)) return 1;
    return two_loops_on_epoll();
  });
  EXPECT_EQ(got.exit_code, 0) << got.said;
  const std::string expected = "assay: using epoll, io_uring was refused: io_uring_setup: ";
  EXPECT_EQ(got.said, expected + GetParam().says + "\n");
}

INSTANTIATE_TEST_SUITE_P(
    reasons, refused_ring_test,
    ::testing::Values(
        refusal{"permission", EPERM,
                "permission: Operation not permitted (a seccomp profile, or the sysctl kernel.io_uring_disabled)"},
        refusal{"unknown_call", ENOSYS,
                "unsupported: Function not implemented"
                " (the kernel was built without it, or a seccomp profile hides it)"},
        refusal{"old_kernel", EINVAL, "invalid_argument: Invalid argument (the kernel is older than 6.1)"},
        refusal{"locked_memory", ENOMEM,
                "no_memory: Cannot allocate memory (raise the locked-memory limit: ulimit -l)"}),
    [](const auto& param) { return param.param.name; });

TEST(make_io_test, asking_for_io_uring_fails_where_it_is_refused) {
  const child_result got = in_child([] {
    if (!refuse(SYS_io_uring_setup, EPERM)) return 1;
    const auto backend = make_io({.kind = io_kind::io_uring});
    return !backend && backend.error().code == errc::permission ? 0 : 2;
  });
  EXPECT_EQ(got.exit_code, 0);
  EXPECT_EQ(got.said, "");
}

// Where the system has io_uring at all, a ring that fits under the limit is found without a word.
TEST(make_io_test, a_smaller_ring_is_taken_where_a_large_one_is_refused) {
  if (!make_io({.kind = io_kind::io_uring})) return;  // the tests above cover a system without
  const child_result got = in_child([] {
    if (!refuse_large_rings(128)) return 1;
    const auto backend = make_io();
    if (!backend) return 2;
    return (*backend)->name() == "io_uring" ? 0 : 3;
  });
  EXPECT_EQ(got.exit_code, 0);
  EXPECT_EQ(got.said, "");
}

TEST(make_io_test, the_environment_chooses_without_a_word) {
  const child_result got = in_child([] {
    ::setenv("ASSAY_IO", "epoll", 1);
    return two_loops_on_epoll();
  });
  EXPECT_EQ(got.exit_code, 0);
  EXPECT_EQ(got.said, "");
}

TEST(make_io_test, an_unknown_name_in_the_environment_is_an_error) {
  const child_result got = in_child([] {
    ::setenv("ASSAY_IO", "uring", 1);
    const auto backend = make_io();
    return !backend && backend.error().code == errc::invalid_argument ? 0 : 2;
  });
  EXPECT_EQ(got.exit_code, 0);
}

// Before Linux 5.11, and behind filters older than it, epoll_pwait2 is missing: precision is lost, nothing else.
TEST(make_io_test, epoll_works_without_epoll_pwait2) {
  const child_result got = in_child([] {
    if (!refuse(SYS_epoll_pwait2, ENOSYS)) return 1;
    auto backend = make_io({.kind = io_kind::epoll});
    if (!backend) return 2;
    loop on(std::move(*backend));
    const instant began = on.turn_time();  // which a sleep counts from
    if (!on.run(short_sleep())) return 3;
    if (on.now() - began < 1ms) return 4;
    return on.counters().turns <= 12 ? 0 : 5;  // it slept
  });
  EXPECT_EQ(got.exit_code, 0) << got.said;
}

}  // namespace
}  // namespace assay
