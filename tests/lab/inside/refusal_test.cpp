#include "lab/inside/refusal.hpp"

#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "lab/inside/proc.hpp"
#include "lab/inside/process_sampler.hpp"
#include "lab/inside/syscall_sampler.hpp"

namespace assay::inside {
namespace {

TEST(refusal, names_the_owner_and_a_cure_that_helps) {
  EXPECT_EQ(describe({.error = EACCES, .owner = "root", .self = "shop", .attached = true}),
            "Permission denied: it runs as root, the watch as shop; start it under `assay watch -- CMD`, or watch as "
            "root");
  EXPECT_EQ(describe({.error = EACCES, .owner = "www-data", .self = "shop"}),
            "Permission denied: it runs as www-data, the watch as shop; watch as www-data or root");
  EXPECT_EQ(describe({.error = EACCES, .owner = "www-data", .self = "shop", .ptrace_scope = 1}),
            "Permission denied: it runs as www-data, the watch as shop; watch as root");
  EXPECT_EQ(describe({.error = EACCES, .owner = "shop", .self = "shop", .of_root = true}),
            "Permission denied: it has changed its user or rights, and its files in /proc are root's; watch as root");
  EXPECT_EQ(describe({.error = EACCES, .owner = "www-data", .self = "root"}),
            "Permission denied: root is without CAP_SYS_PTRACE here, as in a container; watch with it");
}

TEST(refusal, names_ptrace_scope_where_the_user_would_do) {
  refusal of{.error = EPERM, .owner = "shop", .self = "shop", .ptrace_scope = 1, .attached = true};
  EXPECT_EQ(describe(of),
            "Operation not permitted: kernel.yama.ptrace_scope is 1, by which its ancestors and root alone may look; "
            "start it under `assay watch -- CMD`, or watch as root");
  of.ptrace_scope = 2;
  EXPECT_NE(describe(of).find("is 2, by which root alone may look"), std::string::npos) << describe(of);
  of.ptrace_scope = 3;
  of.owner = "root";
  EXPECT_NE(describe(of).find("is 3, by which nobody may look"), std::string::npos) << describe(of);
  of = {.error = EPERM, .owner = "shop", .self = "shop"};
  EXPECT_NE(describe(of).find("security module"), std::string::npos) << describe(of);
}

TEST(refusal, each_process_is_told_of_once_and_an_end_is_no_refusal) {
  const auto self = static_cast<std::uint32_t>(::getpid());
  refusals seen(true);
  EXPECT_FALSE(seen.tell(self, ENOENT));
  EXPECT_FALSE(seen.tell(self, ESRCH));
  EXPECT_TRUE(seen.tell(self, EPERM));
  EXPECT_FALSE(seen.tell(self, EPERM));
  for (std::uint32_t pid = 1; pid < 2 * refusals::most_told; ++pid) seen.tell(pid, EACCES);
  EXPECT_FALSE(seen.tell(UINT32_MAX, EACCES)) << "there is a limit";
}

// By another process, which is nobody's where this one is root's. Else this one hides itself, as what has changed its
// rights does.
class looked_at_from_outside {
 public:
  looked_at_from_outside() {
    if (!root_) ::prctl(PR_SET_DUMPABLE, 0);
  }
  ~looked_at_from_outside() {
    if (!root_) ::prctl(PR_SET_DUMPABLE, 1);
  }
  looked_at_from_outside(const looked_at_from_outside&) = delete;
  looked_at_from_outside& operator=(const looked_at_from_outside&) = delete;

  template <typename Check>
  bool holds(const Check& check) const {
    constexpr uid_t nobody = 65534;
    const pid_t child = ::fork();
    if (child == 0) ::_exit((!root_ || ::setuid(nobody) == 0) && check() ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  std::string why() const {
    return root_ ? "it runs as root, the watch as nobody;" : "it has changed its user or rights";
  }

 private:
  bool root_ = ::geteuid() == 0;
};

TEST(refusal, is_an_error_and_not_an_empty_answer) {
  const auto self = static_cast<std::uint32_t>(::getpid());
  process_sampler sampler;
  sampler.sample({self}, 1);
  EXPECT_TRUE(sampler.refused().empty());
  const looked_at_from_outside process;
  EXPECT_TRUE(process.holds([self] {
    const auto call = current_syscall(self, self);
    return !call && is_refusal(call.error());
  }));
  EXPECT_TRUE(process.holds([self] {
    process_sampler other;
    const auto seen = other.sample({self}, 1);
    return seen.processes == 1 && seen.rss_bytes > 0 && other.refused().contains(self);
  }));
  EXPECT_TRUE(process.holds([self, &process] {
    const auto told = refusals(true).tell(self, EACCES);
    return told && told->find(process.why()) != std::string::npos;
  }));
}

}  // namespace
}  // namespace assay::inside
