// Background tasks at their instants, beside a service that counts its requests.
#include "lab/campaign/background_tasks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/fault/http_service.hpp"

namespace assay::campaign {
namespace {

using namespace std::chrono_literals;

instant now() { return instant(std::chrono::steady_clock::now().time_since_epoch()); }

model::background_task get_every(std::chrono::nanoseconds every, std::string target = "/warm/7") {
  model::background_task made;
  made.name = "warm";
  made.every = every;
  made.method = "GET";
  made.target = std::move(target);
  made.timeout = 5s;
  return made;
}

std::vector<model::phase> two_phases(std::chrono::nanoseconds each) {
  std::vector<model::phase> made(2);
  made[0].name = "first";
  made[1].name = "second";
  made[0].length = made[1].length = each;
  return made;
}

TEST(background_task, has_its_instants_in_its_phases) {
  const std::vector<model::phase> phases = two_phases(10s);
  model::background_task task = get_every(3s);
  EXPECT_EQ(task.times_in(phases), 7U) << "0, 3, ... 18";
  EXPECT_EQ(task.first_from(10s), 12s);
  EXPECT_EQ(task.first_from(12s), 12s);
  task.after = 5s;
  EXPECT_EQ(task.first_from(0s), 5s);
  EXPECT_EQ(task.times_in(phases), 5U) << "5, 8, 11, 14, 17";
  task.phases = {"second"};
  EXPECT_EQ(task.times_in(phases), 3U);
  task.after = 20s;
  EXPECT_EQ(task.times_in(phases), 0U) << "the end is no part of it";
}

TEST(background_tasks, ask_the_candidate_and_tell_it) {
  const auto service = fault::http_service::start({});
  ASSERT_TRUE(service.has_value()) << service.error();
  model::background_task missing = get_every(1s);
  missing.name = "nobody";
  missing.phases = {"none"};
  background_tasks tasks({.tasks = {get_every(30ms), missing}, .host = "127.0.0.1", .port = (*service)->port()},
                         two_phases(50ms), now());
  tasks.wait();
  const std::vector<model::trial_event> told = tasks.finish();
  EXPECT_EQ((*service)->requests(), told.size());
  ASSERT_FALSE(told.empty());
  EXPECT_LE(told.size(), 4U) << "0, 30, 60, 90 ms";
  EXPECT_EQ(told.front().kind, "task");
  EXPECT_EQ(told.front().text, "warm: GET /warm/7 was answered with 200");
  EXPECT_GE(told.back().at_s, told.front().at_s);
  EXPECT_THAT(tasks.summary(), testing::StartsWith("warm " + std::to_string(told.size()) + " time"));
  EXPECT_THAT(tasks.summary(), testing::EndsWith("; nobody 0 times"));
}

// The load began long ago: one instant is left that is not past when the first has been served.
TEST(background_tasks, leave_out_the_instants_at_which_they_still_run) {
  const auto service = fault::http_service::start({});
  ASSERT_TRUE(service.has_value()) << service.error();
  background_tasks tasks({.tasks = {get_every(1s)}, .host = "127.0.0.1", .port = (*service)->port()}, two_phases(5s),
                         now() - 60s);
  tasks.wait();
  EXPECT_EQ(tasks.finish().size(), 1U);
  EXPECT_EQ(tasks.summary(), "warm 1 time, 9 left out because it still ran");
}

TEST(background_tasks, that_fail_are_said_to) {
  const auto service = fault::http_service::start({.latency = {}, .error_share = 1});
  ASSERT_TRUE(service.has_value()) << service.error();
  background_tasks refused({.tasks = {get_every(1h)}, .host = "127.0.0.1", .port = (*service)->port()}, two_phases(1ms),
                           now());
  refused.wait();
  const auto told = refused.finish();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].text, "warm: GET /warm/7 was answered with 503");
  EXPECT_EQ(refused.summary(), "warm 1 time, 1 of them failed");

  const auto slow = fault::http_service::start({.latency = {.median = 1h, .sigma = 0}});
  ASSERT_TRUE(slow.has_value()) << slow.error();
  model::background_task hasty = get_every(1h);
  hasty.timeout = 20ms;
  background_tasks timed_out({.tasks = {hasty}, .host = "127.0.0.1", .port = (*slow)->port()}, two_phases(1ms), now());
  timed_out.wait();
  EXPECT_THAT(timed_out.finish().at(0).text, testing::HasSubstr("failed: "));
}

// Nobody waits for an hour when the load is over.
TEST(background_tasks, are_cut_short_by_the_end_of_the_load) {
  const auto slow = fault::http_service::start({.latency = {.median = 1h, .sigma = 0}});
  ASSERT_TRUE(slow.has_value()) << slow.error();
  model::background_task patient = get_every(1h);
  patient.timeout = 1h;
  model::background_task later = get_every(1h);
  later.name = "later";
  later.after = 30min;
  background_tasks tasks({.tasks = {patient, later}, .host = "127.0.0.1", .port = (*slow)->port()}, two_phases(1h),
                         now());
  EXPECT_LE(tasks.finish().size(), 1U);
  EXPECT_THAT(tasks.summary(), testing::Not(testing::HasSubstr("failed")));
  EXPECT_THAT(tasks.summary(), testing::HasSubstr("later 0 times"));
}

}  // namespace
}  // namespace assay::campaign
