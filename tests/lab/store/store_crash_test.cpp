// What other processes and a full disk do to a campaign.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

#include "lab/store/campaign_store.hpp"
#include "tests/lab/store/store_test_support.hpp"

namespace assay::store {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The text that the child's expectation failed with, for the parent to print.
int failed(const std::string& why) {
  static_cast<void>(!write(STDERR_FILENO, (why + "\n").data(), why.size() + 1));
  return 1;
}

TEST(store_crash, a_second_assay_is_kept_out_until_the_first_has_ended) {
  const temporary_directory directory;
  {
    const auto store = campaign_store::open_or_create(directory.file(), some_header());
    ASSERT_TRUE(store) << store.error();
    const int status = end_of(start_child([&] {
      const auto second = campaign_store::open_or_create(directory.file(), some_header());
      if (second || second.error().find("is in use by another assay") == std::string::npos) {
        return failed(second ? "opened" : second.error());
      }
      const auto reader = campaign_store::open_to_read(directory.file());
      if (reader || reader.error().find("is in use") == std::string::npos) return failed("read");
      return 0;
    }));
    EXPECT_EQ(status, 0);
  }
  EXPECT_TRUE(campaign_store::open_or_create(directory.file(), some_header()));
}

TEST(store_crash, a_full_disk_costs_one_trial_and_no_other) {
  const temporary_directory directory;
  const int status = end_of(start_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    const auto store = campaign_store::open_or_create(directory.file(), some_header());
    if (!store) return failed(store.error());
    if (!(*store)->add(some_trial("flask", 1, 1))) return failed("the first");
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = std::filesystem::file_size(directory.file());
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto full = (*store)->add(some_trial("flask", 2, 2));
    if (full) return failed("added although there is no room");
    if (full.error().find("run 2 of flask is not stored, earlier runs are") == std::string::npos) {
      return failed(full.error());
    }
    if ((*store)->load_all()->size() != 1) return failed("the first is gone");
    limit.rlim_cur = before;
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto again = (*store)->add(some_trial("flask", 2, 2));
    return again ? 0 : failed(again.error());
  }));
  EXPECT_EQ(status, 0);
  const auto store = campaign_store::open_to_read(directory.file());
  ASSERT_TRUE(store) << store.error();
  EXPECT_EQ((*store)->load_all()->size(), 2u);
}

// Adds trials for ever, reports each on the pipe as soon as add() has returned.
int write_for_ever(const std::string& path, int report) {
  const auto store = campaign_store::open_or_create(path, some_header());
  if (!store) return failed(store.error());
  const auto done = (*store)->finished();
  if (!done) return failed(done.error());
  for (auto repeat = static_cast<unsigned>(done->size() + 1);; ++repeat) {
    if (const auto added = (*store)->add(some_trial("flask", repeat, repeat)); !added) return failed(added.error());
    if (write(report, &repeat, sizeof repeat) != sizeof repeat) return 2;
  }
}

TEST(store_crash, kill_9_at_random_moments_loses_nothing_that_was_reported) {
  const temporary_directory directory;
  std::mt19937 random(11);
  std::set<unsigned> reported;
  for (int round = 0; round < 20; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = start_child([&] {
      close(ends[0]);
      return write_for_ever(directory.file(), ends[1]);
    });
    close(ends[1]);
    unsigned repeat = 0;
    // Some trials, and then a random moment of the next one. The first rounds die while the file is made.
    for (unsigned wanted = round < 3 ? 0 : 1 + random() % 6; wanted > 0; --wanted) {
      ASSERT_EQ(read(ends[0], &repeat, sizeof repeat), ssize_t{sizeof repeat});
      reported.insert(repeat);
    }
    const timespec moment{.tv_sec = 0, .tv_nsec = static_cast<long>(random() % 6'000'000)};
    ppoll(nullptr, 0, &moment, nullptr);
    kill(child, SIGKILL);
    const int status = end_of(child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself";
    while (read(ends[0], &repeat, sizeof repeat) == ssize_t{sizeof repeat}) reported.insert(repeat);
    close(ends[0]);

    const auto store = campaign_store::open_or_create(directory.file(), some_header());
    ASSERT_TRUE(store) << store.error();
    const auto trials = (*store)->load_all();
    ASSERT_TRUE(trials) << trials.error();
    std::multiset<unsigned> there;
    for (const auto& each : *trials) there.insert(each.repeat);
    for (const unsigned each : reported) EXPECT_EQ(there.count(each), 1u) << "trial " << each;
    // At most the one that was stored and not yet reported, a round.
    EXPECT_LE(there.size(), reported.size() + static_cast<std::size_t>(round) + 1);
  }
  EXPECT_GE(reported.size(), 17u);
}

}  // namespace
}  // namespace assay::store
