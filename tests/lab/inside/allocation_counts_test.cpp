#include "lab/inside/allocation_counts.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "probe/allocations_format.h"

namespace assay::inside {
namespace {

class allocation_files : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay-allocations-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::string path(unsigned pid) const { return directory_ + "/" + std::to_string(pid) + ".alloc"; }
  // As a process would have them that allocated on one thread and freed on another.
  void has(unsigned pid, std::uint64_t started_ns, std::uint64_t allocations, std::uint64_t bytes,
           std::uint64_t freed_bytes) {
    assay_allocations_file made{};
    made.magic = ASSAY_ALLOCATIONS_MAGIC;
    made.version = ASSAY_ALLOCATIONS_VERSION;
    made.pid = pid;
    made.started_ns = started_ns;
    made.places[0].allocations = allocations;
    made.places[0].allocated_bytes = bytes;
    made.places[63].frees = 1;
    made.places[63].freed_bytes = freed_bytes;
    std::ofstream(path(pid), std::ios::binary).write(reinterpret_cast<const char*>(&made), sizeof made);
  }
  std::string directory_;
};

TEST_F(allocation_files, are_summed_over_processes_and_what_has_ended_stays) {
  allocation_counts counts(directory_);
  EXPECT_FALSE(counts.look({1}));
  has(1, 5, 100, 5000, 2000);
  has(2, 5, 10, 700, 0);
  auto seen = counts.look({1, 2});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->allocations, 110U);
  EXPECT_EQ(seen->allocated_bytes, 5700U);
  EXPECT_EQ(seen->live_bytes, 3700U);
  has(2, 5, 30, 900, 0);  // its last
  seen = counts.look({1});
  EXPECT_EQ(seen->allocations, 130U);
  EXPECT_EQ(seen->live_bytes, 3000U) << "what it held went with it";
  EXPECT_FALSE(std::filesystem::exists(path(2)));
  seen = counts.look({1});
  EXPECT_EQ(seen->allocations, 130U);
  EXPECT_EQ(seen->allocated_bytes, 5900U);
}

TEST_F(allocation_files, of_another_program_under_the_same_number_add_to_those_before) {
  allocation_counts counts(directory_);
  has(1, 5, 100, 5000, 2000);
  counts.look({1});
  has(1, 6, 1, 50, 0);
  const auto seen = counts.look({1});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->allocations, 101U);
  EXPECT_EQ(seen->live_bytes, 50U);
}

TEST_F(allocation_files, that_are_none_are_left_alone_and_more_freed_than_made_is_nothing_held) {
  allocation_counts counts(directory_);
  std::ofstream(path(7)) << "no counts";
  std::ofstream(directory_ + "/x.alloc") << "no process";
  std::ofstream(directory_ + "/8.probe") << "another's";
  EXPECT_FALSE(counts.look({7, 8}));
  has(9, 1, 5, 100, 400);
  has(10, 1, 5, 100, 400);
  std::filesystem::rename(path(10), path(11));  // of another process
  const auto seen = counts.look({7, 9, 11});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->allocations, 5U);
  EXPECT_EQ(seen->live_bytes, 0U);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/x.alloc"));
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/8.probe"));
}

}  // namespace
}  // namespace assay::inside
