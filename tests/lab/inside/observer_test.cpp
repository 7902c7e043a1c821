#include "lab/inside/observer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "probe/probe_format.h"

namespace assay::inside {
namespace {

class watched_directory {
 public:
  watched_directory() {
    char name[] = "/tmp/assay-observer-XXXXXX";
    if (::mkdtemp(name) != nullptr) path_ = name;
  }
  ~watched_directory() { std::filesystem::remove_all(path_); }
  watched_directory(const watched_directory&) = delete;
  watched_directory& operator=(const watched_directory&) = delete;
  const std::string& path() const { return path_; }

  // As the library in this process would write it: one loop, which is away since that moment.
  void write_busy_loop(instant since) const {
    const auto since_ns = static_cast<std::uint64_t>(since.time_since_epoch().count());
    const auto file = std::make_unique<assay_probe_file>();
    file->magic = ASSAY_PROBE_MAGIC;
    file->version = ASSAY_PROBE_VERSION;
    file->pid = static_cast<std::uint32_t>(::getpid());
    auto& loop = file->slots[0];
    loop.tid = file->pid;
    loop.began_ns = since_ns;
    loop.busy_since_ns = since_ns;
    loop.waits = 40;
    std::ofstream to(path_ + "/" + std::to_string(file->pid) + ".probe", std::ios::binary);
    to.write(reinterpret_cast<const char*>(file.get()), sizeof *file);
  }

 private:
  std::string path_;
};

// A search for processes takes its time: what is read after it belongs to the moment of the reading.
TEST(observer, stamps_a_look_when_it_reads) {
  const watched_directory directory;
  const instant t0 = observer::now();
  directory.write_busy_loop(t0 - std::chrono::seconds(1));
  std::vector<instant> found;
  observer watching({.root_pids =
                         [&found] {
                           found.push_back(observer::now());
                           return std::vector<std::uint32_t>{};
                         },
                     .probe_directory = directory.path(),
                     .port_names = {},
                     .runtime = "cpp",
                     .process_interval = duration::zero()});
  ASSERT_TRUE(watching.start(t0));
  const auto seen =
      watching.finish({{.name = "all", .begin = t0 - std::chrono::hours(1), .end = t0 + std::chrono::hours(1)}});
  ASSERT_TRUE(seen) << seen.error();
  ASSERT_EQ(seen->processes.size(), found.size());
  const auto at_s = [t0](instant at) { return std::chrono::duration<double>(at - t0).count(); };
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_GE(seen->processes[i].at_s, at_s(found[i])) << i;
  ASSERT_EQ(seen->events.size(), 1U) << "it is still away";
  // Up to the last look.
  EXPECT_GE(seen->events[0].at_s + seen->events[0].length_s, at_s(found.back()) - 1e-6);
}

TEST(observer, says_what_it_was_not_given) {
  observer no_pids({.root_pids = {}, .probe_directory = "/tmp", .port_names = {}, .runtime = {}});
  EXPECT_FALSE(no_pids.start(observer::now()));
  observer no_directory({.root_pids = [] { return std::vector<std::uint32_t>{}; },
                         .probe_directory = "relative",
                         .port_names = {},
                         .runtime = {}});
  const auto started = no_directory.start(observer::now());
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().find("'relative'"), std::string::npos);
  EXPECT_FALSE(no_directory.finish({}));
}

}  // namespace
}  // namespace assay::inside
