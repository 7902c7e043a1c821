#include "lab/inside/runtime_states.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace assay::inside {
namespace {

constexpr auto whole =
    "look 7\nheap_used_bytes 5000\nheap_limit_bytes 9000\nexternal_bytes 300\nlive_bytes 4000\nloop_active_us 1500000\n"
    "loop_idle_us 500000\nactive TCPSocketWrap 12\nactive Timeout 1\nend 7\n\n\n";

TEST(runtime_state, is_read_as_the_shim_writes_it) {
  const auto look = parse_runtime_state(whole);
  ASSERT_TRUE(look);
  EXPECT_EQ(look->heap_used_bytes, 5000U);
  EXPECT_EQ(look->heap_limit_bytes, 9000U);
  EXPECT_EQ(look->external_bytes, 300U);
  EXPECT_EQ(look->live_bytes, 4000U);
  EXPECT_DOUBLE_EQ(look->loop_active_s, 1.5);
  EXPECT_DOUBLE_EQ(look->loop_idle_s, 0.5);
  EXPECT_EQ(look->active, (std::map<std::string, std::uint64_t>{{"TCPSocketWrap", 12}, {"Timeout", 1}}));
}

TEST(runtime_state, of_a_later_version_is_read_as_far_as_it_is_known) {
  const auto look = parse_runtime_state("look 1\nheap_used_bytes 5\nzeal 3\nend 1");
  ASSERT_TRUE(look);
  EXPECT_EQ(look->heap_used_bytes, 5U);
}

TEST(runtime_state, of_python_names_coroutines_and_where_they_wait) {
  const auto look = parse_runtime_state("look 1\nactive main.<locals>.notify at app.py:12 40\nend 1\n");
  ASSERT_TRUE(look);
  EXPECT_EQ(look->active, (std::map<std::string, std::uint64_t>{{"main.<locals>.notify at app.py:12", 40}}));
}

TEST(runtime_state, that_is_torn_or_none_is_refused) {
  for (const auto* text :
       {"", "\n", "look 7\nheap_used_bytes 5000\n", "look 7\nheap_used_bytes 5000\nend 8\n",
        "heap_used_bytes 1\nend 7\n", "look 7\nheap_used_bytes -1\nend 7\n", "look 7\nheap_used_bytes 1 \nend 7\n",
        "look 7\nheap_used_bytes\nend 7\n", "look 7\nheap_used_bytes 99999999999999999999\nend 7\n",
        "look 7\nactive TCP\x01Wrap 1\nend 7\n", "look 7\nactive Timeout 1\nactive Timeout 2\nend 7\n",
        "look 7\nend 7\nmore 1\n", "look x\nend x\n", "look 7\n\nend 7\n"}) {
    EXPECT_FALSE(parse_runtime_state(text)) << text;
  }
  EXPECT_FALSE(parse_runtime_state("look 1\nactive " + std::string(101, 'x') + " 1\nend 1\n"));
}

class states : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay-states-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string path(int pid) const { return directory_ + "/" + std::to_string(pid) + ".state"; }
  void say(int pid, const std::string& text) const { std::ofstream(path(pid), std::ios::binary) << text; }
  std::string directory_;
};

TEST_F(states, of_all_processes_are_summed) {
  runtime_states all(directory_);
  EXPECT_FALSE(all.look({3, 4}));
  say(3, whole);
  say(4, whole);
  say(5, "look 1\nactive TCPSocketWrap");
  const auto sum = all.look({3, 4, 5, 6});
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->heap_used_bytes, 10'000U);
  EXPECT_EQ(sum->active.at("TCPSocketWrap"), 24U);
}

TEST_F(states, are_told_once_each) {
  runtime_states all(directory_);
  say(3, whole);
  ASSERT_TRUE(all.look({3}));
  EXPECT_FALSE(all.look({3}));
  say(3, "look 8\nheap_used_bytes 6000\nend 8\n");
  EXPECT_EQ(all.look({3})->heap_used_bytes, 6000U);
}

TEST_F(states, of_processes_that_have_ended_are_removed) {
  runtime_states all(directory_);
  say(3, whole);
  say(4, whole);
  ASSERT_TRUE(all.look({3, 4}));
  EXPECT_EQ(all.look({4})->heap_used_bytes, 5000U);
  EXPECT_FALSE(std::filesystem::exists(path(3)));
  EXPECT_TRUE(std::filesystem::exists(path(4)));
}

TEST_F(states, of_what_is_no_file_there_are_none) {
  ASSERT_EQ(::mkfifo(path(3).c_str(), 0600), 0);
  say(9, whole);
  std::filesystem::create_symlink(path(9), path(4));
  EXPECT_FALSE(runtime_states(directory_).look({3, 4}));
}

TEST_F(states, keep_so_many_kinds) {
  runtime_states all(directory_);
  for (int pid = 1; pid <= 3; ++pid) {
    std::string text = "look 1\n";
    for (int kind = 0; kind < 32; ++kind) {
      text += "active K" + std::to_string(pid) + "_" + std::to_string(kind) + " 1\n";
    }
    say(pid, text + "end 1\n");
  }
  EXPECT_EQ(all.look({1, 2, 3})->active.size(), runtime_states::most_kinds);
}

}  // namespace
}  // namespace assay::inside
