#include "lab/inside/watched_files.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <fstream>

namespace assay::inside {
namespace {

class watched : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay-watched-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(pid_t pid) const { return directory_ + "/" + std::to_string(pid) + ".probe"; }
  // As the library does it: a new file takes over the name.
  void write_file(pid_t pid) const {
    const std::string fresh = directory_ + "/fresh";
    const std::uint64_t magic = ASSAY_PROBE_MAGIC;
    const std::uint32_t head[] = {ASSAY_PROBE_VERSION, static_cast<std::uint32_t>(pid)};
    std::ofstream file(fresh, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&magic), sizeof magic);
    file.write(reinterpret_cast<const char*>(head), sizeof head);
    file.close();
    std::filesystem::resize_file(fresh, sizeof(assay_probe_file));
    std::filesystem::rename(fresh, path(pid));
  }
  // The id of a process that has ended.
  static pid_t ended() {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    ::waitpid(pid, nullptr, 0);
    return pid;
  }
  std::string directory_;
};

TEST_F(watched, what_a_process_leaves_behind_is_read_and_removed) {
  const pid_t pid = ended();
  watched_files files(directory_, 10);
  for (int life = 0; life < 3; ++life) {  // the id, and the number of its file, may come again
    write_file(pid);
    EXPECT_TRUE(files.refresh().empty());
    ASSERT_EQ(files.open().size(), 1U);
    EXPECT_TRUE(files.open().front().ended);
    files.close_ended();
    EXPECT_TRUE(files.open().empty());
    EXPECT_FALSE(std::filesystem::exists(path(pid)));
  }
}

TEST_F(watched, a_living_process_that_becomes_another_is_watched_on) {
  watched_files files(directory_, 10);
  std::uint32_t before = 0;
  for (int program = 0; program < 5; ++program) {
    write_file(::getpid());
    files.refresh();
    files.close_ended();
    ASSERT_EQ(files.open().size(), 1U);
    EXPECT_FALSE(files.open().front().ended);
    EXPECT_NE(files.open().front().incarnation, before);
    before = files.open().front().incarnation;
    files.refresh();
  }
  EXPECT_TRUE(std::filesystem::exists(path(::getpid())));
}

}  // namespace
}  // namespace assay::inside
