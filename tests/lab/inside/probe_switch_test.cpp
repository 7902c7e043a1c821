#include "lab/inside/probe_switch.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <string>

#include "probe/probe_format.h"

namespace assay::inside {
namespace {

class switched : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay-switch-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // As the library of that process makes it, without what follows its head.
  std::string make_file(std::uint32_t pid) const {
    std::string path = directory_ + "/" + std::to_string(pid) + ".probe";
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assay_probe_file* const head = nullptr;
    const std::uint64_t magic = ASSAY_PROBE_MAGIC;
    const std::uint32_t version = ASSAY_PROBE_VERSION;
    EXPECT_EQ(::ftruncate(fd, sizeof *head), 0);
    EXPECT_EQ(::pwrite(fd, &magic, sizeof magic, offsetof(assay_probe_file, magic)), 8);
    EXPECT_EQ(::pwrite(fd, &version, sizeof version, offsetof(assay_probe_file, version)), 4);
    EXPECT_EQ(::pwrite(fd, &pid, sizeof pid, offsetof(assay_probe_file, pid)), 4);
    ::close(fd);
    return path;
  }
  static std::uint64_t paused(const std::string& path) {
    std::uint64_t word = 99;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    EXPECT_EQ(::pread(fd, &word, sizeof word, offsetof(assay_probe_file, paused)), 8);
    ::close(fd);
    return word;
  }
  std::string directory_;
};

TEST_F(switched, what_lives_is_off_and_on_and_is_left_on) {
  const auto own = make_file(static_cast<std::uint32_t>(::getpid()));
  {
    auto all = probe_switch::open(directory_);
    ASSERT_TRUE(all) << all.error();
    EXPECT_EQ(all->processes(), 1U);
    all->set(false);
    EXPECT_NE(paused(own), 0U);
    all->set(true);
    EXPECT_EQ(paused(own), 0U);
    all->set(false);
  }
  EXPECT_EQ(paused(own), 0U);
}

TEST_F(switched, its_clock_is_the_processes_own) {
  make_file(static_cast<std::uint32_t>(::getpid()));
  const auto all = probe_switch::open(directory_);
  ASSERT_TRUE(all);
  const auto now = [] {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000U + static_cast<std::uint64_t>(used.tv_nsec);
  };
  const auto before = now();
  const auto seen = all->cpu_ns();
  ASSERT_TRUE(seen) << seen.error();
  EXPECT_GE(*seen, before);
  EXPECT_LE(*seen, now());
}

TEST_F(switched, what_is_no_file_of_a_process_that_lives_is_left_alone) {
  EXPECT_FALSE(probe_switch::open(directory_ + "/nowhere"));
  const auto gone = make_file(4'194'304);  // the highest number a process may have is below
  ASSERT_EQ(::mkfifo((directory_ + "/1.probe").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("/dev/null", (directory_ + "/2.probe").c_str()), 0);
  const auto none = probe_switch::open(directory_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error(), "no process of it that lives carries the preload library");
  EXPECT_EQ(paused(gone), 0U);
}

}  // namespace
}  // namespace assay::inside
