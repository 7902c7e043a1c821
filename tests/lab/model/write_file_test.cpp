// A file is there whole or not at all, and what is no file stays what it is.
#include "lab/model/write_file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace assay::model {
namespace {

class write_file_test : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ / name; }
  static std::string content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("write_test_" + std::to_string(::getpid()));
};

TEST_F(write_file_test, replaces_a_file_and_leaves_nothing_beside_it) {
  ASSERT_TRUE(write_file(path("a"), "one"));
  ASSERT_TRUE(write_file(path("a"), "two"));
  EXPECT_EQ(content(path("a")), "two");
  EXPECT_EQ(files(), 1U);
  EXPECT_FALSE(write_file(path("no/such/folder"), "x"));
  EXPECT_FALSE(write_file(folder_.string(), "x")) << "a directory";
  EXPECT_EQ(files(), 1U);
}

TEST_F(write_file_test, a_symbolic_link_goes_on_leading_to_its_file) {
  ASSERT_TRUE(write_file(path("target"), "old"));
  std::filesystem::create_symlink("target", path("link"));
  ASSERT_TRUE(write_file(path("link"), "new"));
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(content(path("target")), "new");
}

// /dev/null is such a thing too, and root may rename over it.
TEST_F(write_file_test, a_pipe_stays_a_pipe) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const int end = ::open(path("pipe").c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);  // a reader, without waiting
  ASSERT_GE(end, 0);
  const auto written = write_file(path("pipe"), "through it");
  EXPECT_TRUE(written) << written.error();
  EXPECT_TRUE(std::filesystem::is_fifo(path("pipe")));
  std::array<char, 64> got{};
  const ssize_t length = ::read(end, got.data(), got.size());
  ::close(end);
  EXPECT_EQ(std::string(got.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))), "through it");
}

}  // namespace
}  // namespace assay::model
