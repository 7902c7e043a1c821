#include "lab/store/campaign_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "tests/lab/store/store_test_support.hpp"

namespace assay::store {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

void change(const std::string& path, const char* sql) {
  sqlite3* file = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &file), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(file, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(file);
  sqlite3_close(file);
}

std::string refusal(const std::string& path, const campaign_header& header = some_header()) {
  const auto opened = campaign_store::open_or_create(path, header);
  return opened ? "" : opened.error();
}

TEST(campaign_store, keeps_header_and_trials_over_a_restart) {
  const temporary_directory directory;
  {
    const auto store = campaign_store::open_or_create(directory.file(), some_header());
    ASSERT_TRUE(store) << store.error();
    EXPECT_TRUE((*store)->finished()->empty());
    ASSERT_TRUE((*store)->add(some_trial("flask", 2, 1)));
    ASSERT_TRUE((*store)->add(some_trial("a 'quoted' name", 1, 2)));
  }
  auto later = some_header();
  later.created = "2027-01-01T00:00:00Z";
  const auto store = campaign_store::open_or_create(directory.file(), later);
  ASSERT_TRUE(store) << store.error();
  EXPECT_EQ((*store)->header().created, some_header().created);
  EXPECT_EQ((*store)->header().seed, some_header().seed);
  EXPECT_EQ((*store)->header().plan_text, some_header().plan_text);
  ASSERT_TRUE((*store)->add(some_trial("flask", 1, 3)));
  EXPECT_THAT(*(*store)->finished(),
              ElementsAre(trial_key{"flask", 2}, trial_key{"a 'quoted' name", 1}, trial_key{"flask", 1}));
  const auto trials = (*store)->load_all();
  ASSERT_TRUE(trials) << trials.error();
  ASSERT_EQ(trials->size(), 3u);
  EXPECT_EQ((*trials)[2].order, 3u);
  EXPECT_TRUE((*trials)[2].phases[0].all.latency.response_time ==
              some_trial("flask", 1, 3).phases[0].all.latency.response_time);
}

TEST(campaign_store, takes_a_trial_once) {
  const temporary_directory directory;
  const auto store = campaign_store::open_or_create(directory.file(), some_header());
  ASSERT_TRUE(store) << store.error();
  ASSERT_TRUE((*store)->add(some_trial("flask", 1, 1)));
  EXPECT_THAT((*store)->add(some_trial("flask", 1, 2)).error(), HasSubstr("run 1 of flask is stored already"));
  EXPECT_TRUE((*store)->add(some_trial("flask", 2, 3)));
  EXPECT_EQ((*store)->finished()->size(), 2u);
}

TEST(campaign_store, refuses_another_plan_and_says_how_to_go_on) {
  const temporary_directory directory;
  ASSERT_EQ(refusal(directory.file()), "");
  auto other = some_header();
  other.plan_sha256 = "ffff";
  EXPECT_THAT(refusal(directory.file(), other),
              AllOf(HasSubstr("results of another plan"), HasSubstr("0123456789ab"), HasSubstr("results directory")));
  other = some_header();
  other.seed = 7;
  EXPECT_THAT(refusal(directory.file(), other), HasSubstr("this run has seed 7"));
  EXPECT_EQ(refusal(directory.file()), "");
}

TEST(campaign_store, refuses_a_newer_file) {
  const temporary_directory directory;
  ASSERT_EQ(refusal(directory.file()), "");
  change(directory.file(), "PRAGMA user_version = 2");
  EXPECT_THAT(refusal(directory.file()), HasSubstr("was written by a newer assay (file version 2"));
  EXPECT_THAT(campaign_store::open_to_read(directory.file()).error(), HasSubstr("newer assay"));
}

TEST(campaign_store, refuses_files_that_are_none) {
  const temporary_directory directory;
  EXPECT_THAT(campaign_store::open_to_read(directory.file()).error(), HasSubstr("is not there"));
  std::ofstream(directory.file()) << std::string(5000, 'x');
  EXPECT_THAT(refusal(directory.file()), HasSubstr("is no campaign file"));
  std::filesystem::remove(directory.file());
  change(directory.file(), "CREATE TABLE foreign_one (x)");
  EXPECT_THAT(refusal(directory.file()), HasSubstr("is no campaign file of assay"));
  EXPECT_THAT(refusal("/nowhere/at/all/campaign.db"), HasSubstr("/nowhere/at/all/campaign.db: cannot be used"));
}

TEST(campaign_store, says_which_trial_is_damaged) {
  const temporary_directory directory;
  {
    const auto store = campaign_store::open_or_create(directory.file(), some_header());
    ASSERT_TRUE(store && (*store)->add(some_trial("flask", 1, 1)));
  }
  change(directory.file(), "UPDATE trials SET document = replace(document, '\"offered\":0', '\"offered\":\"0\"')");
  const auto store = campaign_store::open_to_read(directory.file());
  ASSERT_TRUE(store) << store.error();
  EXPECT_THAT((*store)->load_all().error(),
              HasSubstr("run 1 of flask: phases[0].all.offered: expected a whole number"));
}

TEST(campaign_store, reads_without_writing) {
  const temporary_directory directory;
  {
    const auto store = campaign_store::open_or_create(directory.file(), some_header());
    ASSERT_TRUE(store && (*store)->add(some_trial("flask", 1, 1)));
  }
  const auto store = campaign_store::open_to_read(directory.file());
  ASSERT_TRUE(store) << store.error();
  EXPECT_EQ((*store)->load_all()->size(), 1u);
  EXPECT_THAT((*store)->add(some_trial("flask", 2, 2)).error(), HasSubstr("no permission"));
}

}  // namespace
}  // namespace assay::store
