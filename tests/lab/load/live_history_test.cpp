#include "lab/load/live_history.hpp"

#include <gtest/gtest.h>

#include <map>

namespace assay::load {
namespace {

using namespace std::chrono_literals;

// A run whose seconds end when the test says so.
class live_history_test : public ::testing::Test {
 protected:
  void ends(std::size_t index, std::map<std::string, std::uint64_t> errors = {}, double lag_ms = 0,
            double late_share = 0) {
    ended_[index] = {.at_s = static_cast<double>(index),
                     .length_s = 1,
                     .offered = 100,
                     .answered = 100,
                     .errors = std::move(errors),
                     .own_lag_max_ms = lag_ms,
                     .own_late_share = late_share};
  }
  void look(duration elapsed, std::size_t seconds = 100) {
    now_.elapsed = elapsed;
    const auto second = [this](std::size_t index) -> std::optional<model::live_second> {
      asked_[index]++;
      const auto found = ended_.find(index);
      return found == ended_.end() ? std::nullopt : std::optional(found->second);
    };
    seen_.look(now_, second, seconds);
  }
  const model::load_screen& screen() const { return seen_.screen(); }

  live_view now_;
  std::map<std::size_t, model::live_second> ended_;
  std::map<std::size_t, int> asked_;
  live_history seen_{{.open = true}};
};

TEST_F(live_history_test, rates_are_between_two_looks) {
  now_ = {.due = 100, .answers = 90, .errors = 2};
  look(1s);
  now_ = {.due = 300, .behind = 3ms, .answers = 280, .errors = 12, .open_connections = 7};
  look(3s);
  EXPECT_DOUBLE_EQ(screen().due_per_s, 100);
  EXPECT_DOUBLE_EQ(screen().answers_per_s, 95);
  EXPECT_DOUBLE_EQ(screen().errors_per_s, 5);
  EXPECT_EQ(screen().answers, 280U);
  EXPECT_DOUBLE_EQ(screen().behind_s, 0.003);
  EXPECT_EQ(screen().open_connections, 7U);
}

TEST_F(live_history_test, a_second_is_asked_for_until_it_has_ended_and_told_once) {
  look(2500ms);
  ASSERT_EQ(screen().seconds.size(), 3U) << "the one that runs too";
  EXPECT_FALSE(screen().seconds[0]);
  ends(1, {{"reset", 3}});
  look(3s);
  EXPECT_FALSE(screen().seconds[0]) << "one of its requests hangs";
  ASSERT_TRUE(screen().seconds[1]);
  ends(0, {{"reset", 1}, {"timed_out", 1}});
  look(4s);
  look(5s);
  EXPECT_TRUE(screen().seconds[0]);
  EXPECT_EQ(screen().errors_by_kind, (std::map<std::string, std::uint64_t>{{"reset", 4}, {"timed_out", 1}}));
  EXPECT_EQ(asked_[0], 3);
  EXPECT_EQ(asked_[1], 2);
}

TEST_F(live_history_test, keeps_as_many_seconds_as_are_shown_and_loses_no_error) {
  constexpr std::size_t many = model::most_screen_seconds + 100;
  look(many * duration(1s) - 1ms, many);
  for (std::size_t i = 0; i < many; ++i) ends(i, {{"closed", 1}});
  look(many * duration(1s), many);
  EXPECT_EQ(screen().seconds.size(), model::most_screen_seconds);
  EXPECT_EQ(screen().first_second, 100U);
  EXPECT_EQ(screen().seconds.back()->at_s, many - 1.0) << "no second beyond the run";
  EXPECT_EQ(screen().errors_by_kind.at("closed"), many);
}

TEST_F(live_history_test, the_generator_is_judged_by_the_verdicts_bounds) {
  now_.cpu = {100ms, 50ms};
  look(1s);
  EXPECT_EQ(screen().health, "in time");
  EXPECT_FALSE(screen().cpu_share) << "one look tells no share";
  ends(0, {}, 1.5, 0.011);
  now_.cpu = {200ms, 100ms};
  look(2s);
  EXPECT_EQ(screen().health, "LATE");
  EXPECT_DOUBLE_EQ(*screen().cpu_share, 0.1);
  ends(1, {}, 0.1);
  now_.cpu = {300ms, 1090ms};
  look(3s);
  EXPECT_EQ(screen().health, "OUT OF CPU");
  ends(2, {}, 0.1);
  now_.cpu = {400ms, 1190ms};
  look(4s);
  EXPECT_EQ(screen().health, "in time") << "now";
  EXPECT_DOUBLE_EQ(screen().own_lag_max_ms, 1.5) << "and in all";
  now_.cpu = {0ms, 0ms};
  look(5s);
  EXPECT_DOUBLE_EQ(*screen().cpu_share, 0.1) << "the threads have ended";
}

// One send in a hundred may be late, as in the verdict: a hiccup is no generator that is late.
TEST_F(live_history_test, one_late_send_is_no_late_second) {
  look(1s);
  ends(0, {}, 25, 0.01);
  look(2s);
  EXPECT_EQ(screen().health, "in time");
  EXPECT_DOUBLE_EQ(screen().own_lag_max_ms, 25) << "and still told";
}

TEST(head_of, says_what_runs) {
  load_options options;
  options.url = "http://127.0.0.1:8080/x";
  options.rate_per_s = 1000;
  EXPECT_EQ(head_of(*normalize(options)).target, "GET http://127.0.0.1:8080/x");
  EXPECT_EQ(head_of(*normalize(options)).shape,
            "open model, 1000 requests/s, constant arrivals, 64 connections, 1 thread");
  EXPECT_EQ(head_of(*normalize(options)).length_s, 10);
  options.rate_per_s.reset();
  options.threads = 2;
  EXPECT_EQ(head_of(*normalize(options)).shape, "closed model, 64 connections, 2 threads");
  options.url = "http://127.0.0.1:8080";
  options.routes = {{.name = "a", .method = "GET", .target = "/a"}, {.name = "b", .method = "GET", .target = "/b"}};
  EXPECT_EQ(head_of(*normalize(options)).target, "2 requests to http://127.0.0.1:8080");
}

TEST(head_of, says_which_messages_run) {
  stream_options options{.url = "ws://127.0.0.1:8080/chat", .rate_per_s = 5, .connections = 1000};
  EXPECT_EQ(head_of(*normalize(options)).target, "echo ws://127.0.0.1:8080/chat");
  EXPECT_EQ(head_of(*normalize(options)).shape, "open model, 5 messages/s, constant arrivals, 1000 connections");
  EXPECT_EQ(head_of(*normalize(options)).connections, 1000U);
  EXPECT_TRUE(head_of(*normalize(options)).open);
  options.broadcast = true;
  options.rate_per_s.reset();
  options.stages = {{.rate_per_s = 10, .length = 1s}, {.rate_per_s = 20, .length = 1s}};
  EXPECT_EQ(head_of(*normalize(options)).target, "broadcast ws://127.0.0.1:8080/chat");
  EXPECT_EQ(head_of(*normalize(options)).shape,
            "open model, deliveries of 2 stages, constant arrivals, 1000 connections");
  EXPECT_EQ(head_of(*normalize(options)).length_s, 2);
}

TEST(head_of, says_which_sessions_run) {
  load_options options;
  options.url = "http://127.0.0.1:8080";
  const auto step = [](const std::string& target) {
    return model::scenario_step{.request = {.name = target, .method = "GET", .target = target}};
  };
  std::vector<model::scenario> scenarios = {{.name = "buy", .rate_per_s = 20, .steps = {step("/a"), step("/b")}}};
  const auto head = [&] { return head_of(*plan_sessions(scenarios, options)); };
  EXPECT_EQ(head().target, "1 scenario, 2 requests to http://127.0.0.1:8080");
  EXPECT_EQ(head().shape, "partly-open model, 20 sessions/s, constant arrivals, up to 64 at once");
  EXPECT_TRUE(head().open);
  scenarios.push_back(
      {.name = "look", .rate_per_s = 5, .arrivals = model::arrival_law::poisson, .steps = {step("/a")}});
  EXPECT_EQ(head().target, "2 scenarios, 3 requests to http://127.0.0.1:8080");
  EXPECT_EQ(head().shape, "partly-open model, 25 sessions/s, up to 64 at once");
  scenarios = {{.name = "s", .steps = {step("/a")}}};
  options.stages = {{.rate_per_s = 10, .length = 1s}, {.rate_per_s = 20, .length = 1s}};
  EXPECT_EQ(head().shape, "partly-open model, 2 stages, constant arrivals, up to 64 at once");
}

}  // namespace
}  // namespace assay::load
