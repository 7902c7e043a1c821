#include "lab/inside/shim_notes.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

namespace assay::inside {
namespace {

class notes : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/assay-notes-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  static std::string record(std::uint32_t kind, const char* stack, std::uint64_t start_ns = 5,
                            std::uint64_t end_ns = 9) {
    assay_probe_note raw{};
    raw.start_ns = start_ns;
    raw.end_ns = end_ns;
    raw.kind = kind;
    std::strncpy(raw.what, "fs.readSync", sizeof raw.what - 1);
    std::strncpy(raw.stack, stack, sizeof raw.stack - 1);
    return {reinterpret_cast<const char*>(&raw), sizeof raw};
  }
  void append(const std::string& bytes) { std::ofstream(path(), std::ios::binary | std::ios::app) << bytes; }
  std::string path() const { return directory_ + "/3.notes"; }
  std::string directory_;
};

// probe/node reads these places without the header.
static_assert(offsetof(assay_probe_file, paused) == 72 && offsetof(assay_probe_file, slots) == 128);
static_assert(sizeof(assay_probe_slot) == 5312 && assay_probe_slots == 64 && offsetof(assay_probe_slot, tid) == 8);
static_assert(offsetof(assay_probe_slot, ended_ns) == 40 && offsetof(assay_probe_slot, busy_since_ns) == 48);
static_assert(sizeof(assay_probe_note) == 1088 && offsetof(assay_probe_note, kind) == 16);
static_assert(offsetof(assay_probe_note, what) == 24 && offsetof(assay_probe_note, stack) == 64);

TEST_F(notes, are_taken_once_and_whole) {
  shim_notes all(directory_);
  EXPECT_TRUE(all.take(3).empty());
  EXPECT_FALSE(all.ever());
  append("");
  EXPECT_TRUE(all.take(3).empty());
  EXPECT_TRUE(all.ever()) << "it has nothing to say yet";
  append(record(assay_note_call, " fs:12 in readSync\n*app.js:3 in handle\n"));
  append(record(assay_note_failure, "Error: no\n    at app.js:9:1\n").substr(0, 100));
  const auto first = all.take(3);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].what, "fs.readSync");
  EXPECT_EQ(first[0].place, "app.js:3 in handle");
  EXPECT_EQ(first[0].stack.size(), 2U);
  EXPECT_EQ(first[0].end_ns, 9U);
  EXPECT_TRUE(all.take(3).empty()) << "the second is not whole";
  append(record(assay_note_failure, "Error: no\n    at app.js:9:1\n").substr(100));
  const auto second = all.take(3);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].kind, assay_note_failure);
  EXPECT_EQ(second[0].stack.at(0), "Error: no");
  EXPECT_EQ(second[0].place, "");
}

TEST_F(notes, that_make_no_sense_are_left_out) {
  append(record(0, "") + record(99, "") + record(assay_note_call, "", 9, 5));
  append(std::string(sizeof(assay_probe_note), '\xff'));
  append(record(assay_note_sample, "*\x01\x02.js:1 in x\n"));
  shim_notes all(directory_);
  const auto taken = all.take(3);
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].place, "??.js:1 in x");
}

TEST_F(notes, of_what_is_no_file_there_are_none) {
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  shim_notes all(directory_);
  EXPECT_TRUE(all.take(3).empty());
  EXPECT_FALSE(all.ever());
  std::filesystem::remove(path());
  std::filesystem::create_symlink("/dev/zero", path());
  EXPECT_TRUE(shim_notes(directory_).take(3).empty());
}

TEST_F(notes, are_bounded_and_removed) {
  for (std::size_t i = 0; i < shim_notes::most_at_once + 1; ++i) append(record(assay_note_call, ""));
  shim_notes all(directory_);
  EXPECT_EQ(all.take(3).size(), shim_notes::most_at_once);
  EXPECT_EQ(all.take(3).size(), 1U);
  all.remove(3);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

}  // namespace
}  // namespace assay::inside
