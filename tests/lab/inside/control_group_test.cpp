#include "lab/inside/control_group.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "lab/inside/proc.hpp"

namespace assay::inside {
namespace {

namespace fs = std::filesystem;

// A tree as the kernel shows it under /sys/fs/cgroup.
class group_tree {
 public:
  group_tree() {
    std::string name = (fs::temp_directory_path() / "assay-groups-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
  }
  ~group_tree() { fs::remove_all(root_); }
  group_tree(const group_tree&) = delete;
  group_tree& operator=(const group_tree&) = delete;

  void write(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  const std::string& root() const { return root_; }

 private:
  std::string root_;
};

TEST(control_group, pressure_is_its_total) {
  EXPECT_EQ(parse_pressure("some avg10=0.00 avg60=1.00 avg300=0.00 total=1234\nfull avg10=0 total=9\n"), 1234U);
  for (const auto* text : {"", "some avg10=0.00", "full avg10=0.00 total=5\n", "some total=12x\n"}) {
    EXPECT_FALSE(parse_pressure(text)) << text;
  }
}

TEST(control_group, is_found_in_either_version) {
  const auto two = group_place_of("0::/a.slice/b.scope\n", "cpu", "/g");
  ASSERT_TRUE(two);
  EXPECT_EQ(two->mount + two->path, "/g/a.slice/b.scope");
  EXPECT_FALSE(two->version_1);
  const auto one = group_place_of("5:memory:/m\n3:cpu,cpuacct:/c\n0::/two\n", "cpu", "/g");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->mount + one->path, "/g/cpu,cpuacct/c");
  EXPECT_TRUE(one->version_1);
  EXPECT_FALSE(group_place_of("3:cpuset:/c\n", "cpu", "/g"));
  EXPECT_FALSE(group_place_of("", "cpu", "/g"));
}

TEST(control_group, of_version_2_the_limit_with_least_room_counts_whoever_has_it) {
  const group_tree tree;
  tree.write("/a/memory.max", "1000\n");
  tree.write("/a/memory.current", "900\n");
  tree.write("/a/memory.stat", "anon 500\ninactive_file 100\nactive_file 5\n");
  tree.write("/a/b/memory.max", "700\n");
  tree.write("/a/b/memory.current", "300\n");
  tree.write("/a/b/memory.stat", "inactive_file 40\n");
  tree.write("/a/b/pids.current", "7\n");
  tree.write("/a/b/pids.max", "max\n");
  tree.write("/a/b/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=55\n");
  tree.write("/a/b/memory.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=66\n");
  const group_look seen = look_at_group("0::/a/b\n", tree.root());
  EXPECT_EQ(seen.memory_bytes, 260U) << "its own, without what the kernel can drop";
  EXPECT_EQ(seen.memory.limit, 1000U);
  EXPECT_EQ(seen.memory.used, 800U) << "of the group above, where 200 are left";
  EXPECT_EQ(seen.threads.limit, 0U) << "max";
  EXPECT_EQ(seen.cpu_pressure_us, 55U);
  EXPECT_EQ(seen.memory_pressure_us, 66U);
  EXPECT_EQ(seen.io_pressure_us, 0U);
}

TEST(control_group, of_version_1_a_controller_has_a_tree_of_its_own) {
  const group_tree tree;
  tree.write("/memory/m/memory.limit_in_bytes", "5000\n");
  tree.write("/memory/m/memory.usage_in_bytes", "3000\n");
  tree.write("/memory/m/memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n");
  tree.write("/memory/memory.limit_in_bytes", "9223372036854771712\n");
  tree.write("/memory/memory.usage_in_bytes", "900000\n");
  tree.write("/pids/p/pids.current", "40\n");
  tree.write("/pids/p/pids.max", "100\n");
  tree.write("/unified/u/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
  const group_look seen = look_at_group("4:memory:/m\n8:pids:/p\n0::/u\n", tree.root());
  EXPECT_EQ(seen.memory_bytes, 2000U);
  EXPECT_EQ(seen.memory.limit, 5000U) << "what is near 2^63 is none";
  EXPECT_EQ(seen.threads, (model::resource_limit{"the limit of tasks of its control group", 100, 40}));
  EXPECT_EQ(seen.cpu_pressure_us, 9U);
}

// A container that is shown the host's path: its own group is mounted where others have the root.
TEST(control_group, that_is_not_where_it_should_be_is_the_root) {
  const group_tree tree;
  tree.write("/memory.max", "700\n");
  tree.write("/memory.current", "300\n");
  const group_look seen = look_at_group("0::/docker/abc\n", tree.root());
  EXPECT_EQ(seen.memory_bytes, 300U);
  EXPECT_EQ(seen.memory.limit, 700U);
}

TEST(control_group, without_any_nothing_is_told) {
  const group_tree tree;
  for (const auto* text : {"", "0::/\n", "0::/../x\n", "4:memory:/m\n", "no group\n", "1::::\n"}) {
    const group_look seen = look_at_group(text, tree.root());
    EXPECT_EQ(seen.memory_bytes, 0U) << text;
    EXPECT_EQ(seen.memory.limit, 0U) << text;
    EXPECT_EQ(seen.cpu_pressure_us, 0U) << text;
  }
}

}  // namespace
}  // namespace assay::inside
