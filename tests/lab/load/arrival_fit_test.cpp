// What is said of arrivals whose law is known: as the schedule has them, shaken, in batches, and of another law.
#include "lab/load/arrival_fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "lab/load/schedule.hpp"
#include "tests/lab/load/load_test_support.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using model::arrival_law;

workload work_of(arrival_law law, std::vector<stage> stages, unsigned threads = 1) {
  return {.host = "127.0.0.1",
          .requests = request_source::constant("GET / HTTP/1.1\r\n\r\n", http::method::get, true),
          .arrivals = law,
          .stages = std::move(stages),
          .threads = threads,
          .seed = 5};
}

workload even_work(arrival_law law, double rate_per_s) {
  return work_of(law, {{.rate_per_s = rate_per_s, .length = 20s}});
}

// Each arrival of the schedule is sent so late.
using lateness = std::function<duration(duration)>;

model::arrival_fit fit_of(const workload& work, const lateness& late) {
  std::vector<realised_arrivals> sent;
  for (unsigned thread = 0; thread < work.threads; ++thread) {
    realised_arrivals& into = sent.emplace_back(work.arrivals_expected() / work.threads, work.length());
    arrival_schedule schedule(
        {.law = work.arrivals, .thread = thread, .threads = work.threads, .seed = work.seed, .stages = work.stages});
    for (; schedule.peek() < work.length(); schedule.pop()) {
      into.sent(schedule.index(), schedule.peek(), late(schedule.peek()));
    }
  }
  std::vector<const realised_arrivals*> threads;
  for (const realised_arrivals& each : sent) threads.push_back(&each);
  return fit_arrivals({.law = work.arrivals, .stages = work.stages, .threads = work.threads}, threads);
}

duration in_time(duration) { return {}; }

// As a sleeper that wakes that often only.
lateness batches_of(duration period) {
  return [period](duration offset) { return period - offset % period; };
}

TEST(arrival_fit, what_is_sent_in_time_is_of_its_law_through_all_stages_and_threads) {
  const std::vector<stage> stages = {{.rate_per_s = 100, .length = 5s, .end_rate_per_s = 2000},
                                     {.rate_per_s = 0, .length = 1s},
                                     {.rate_per_s = 500, .length = 10s, .swing_per_s = 400, .period = 2s}};
  for (const unsigned threads : {1U, 3U}) {
    const model::arrival_fit even = fit_of(work_of(arrival_law::constant, stages, threads), in_time);
    EXPECT_GT(even.gaps, 2000U);
    EXPECT_EQ(even.gaps_off, 0) << threads;
    EXPECT_FALSE(even.distance);
    const model::arrival_fit random = fit_of(work_of(arrival_law::poisson, stages, threads), in_time);
    EXPECT_GT(random.gaps, 2000U);
    EXPECT_LT(*random.distance, 1.2 * *random.distance_by_chance) << threads;
    EXPECT_LT(random.gaps_off, 0.02) << threads;
    EXPECT_EQ(random.offered_share, 1);
  }
}

TEST(arrival_fit, the_number_of_gaps_is_bounded_whatever_the_rate) {
  EXPECT_EQ(fit_of(even_work(arrival_law::constant, 10), in_time).gaps, 100U) << "of 200 arrivals every second gap";
  for (const double rate : {400.0, 3'000.0, 50'000.0}) {
    const model::arrival_fit fit = fit_of(even_work(arrival_law::constant, rate), in_time);
    EXPECT_GT(fit.gaps, realised_arrivals::most_pairs / 3) << rate;
    EXPECT_LE(fit.gaps, realised_arrivals::most_pairs) << rate;
  }
}

TEST(arrival_fit, what_nobody_feels_shows_in_the_distance_alone) {
  const workload work = even_work(arrival_law::poisson, 5000);
  const model::arrival_fit fit = fit_of(work, batches_of(100us));  // half of the mean gap
  EXPECT_GT(*fit.distance, 3 * *fit.distance_by_chance) << "with so many gaps nothing is as intended";
  EXPECT_LT(fit.gaps_off, 0.02);
}

TEST(arrival_fit, batches_of_practical_size_are_another_law) {
  for (const arrival_law law : {arrival_law::constant, arrival_law::poisson}) {
    // Five at a time.
    EXPECT_GT(fit_of(even_work(law, 500), batches_of(10ms)).gaps_off, 0.25) << label(law);
    EXPECT_LT(fit_of(even_work(law, 500), batches_of(500us)).gaps_off, 0.05) << label(law);
  }
}

TEST(arrival_fit, constant_arrivals_are_not_poisson_nor_the_converse) {
  const workload as_poisson = even_work(arrival_law::poisson, 500);
  const workload as_constant = even_work(arrival_law::constant, 500);
  const auto judged_as = [](const workload& sent, const workload& intended) {
    realised_arrivals seen(sent.arrivals_expected(), sent.length());
    arrival_schedule schedule({.law = sent.arrivals, .seed = sent.seed, .stages = sent.stages});
    for (; schedule.peek() < sent.length(); schedule.pop()) seen.sent(schedule.index(), schedule.peek(), {});
    const realised_arrivals* const only = &seen;
    return fit_arrivals({.law = intended.arrivals, .stages = intended.stages}, std::span(&only, 1));
  };
  EXPECT_GT(judged_as(as_constant, as_poisson).gaps_off, 0.25);
  EXPECT_GT(judged_as(as_poisson, as_constant).gaps_off, 0.5);
}

TEST(arrival_fit, what_is_sent_after_the_end_was_not_offered) {
  const model::arrival_fit fit = fit_of(even_work(arrival_law::constant, 100), [](duration offset) {
    return offset >= 18s ? duration(3s) : duration::zero();  // a tenth of them
  });
  EXPECT_DOUBLE_EQ(fit.offered_share, 0.9);
}

// --- whole runs in virtual time ---

TEST(arrival_fit, a_candidate_that_holds_every_connection_is_no_departure) {
  world stage(50us);
  stage.options.rate_per_s = 1000;
  stage.options.arrivals = arrival_law::poisson;
  stage.options.length = 5s;
  stage.options.connections = 2;
  stage.server.one_at_a_time = true;
  stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 1500us}; };
  const model::load_result seen = stage.run().judged;
  EXPECT_TRUE(seen.valid) << ::testing::PrintToString(seen.reasons);
  ASSERT_TRUE(seen.arrivals_seen);
  EXPECT_GT(seen.arrivals_seen->gaps, 1000U);
  EXPECT_LT(*seen.arrivals_seen->distance, 1.2 * *seen.arrivals_seen->distance_by_chance);
  EXPECT_EQ(seen.arrivals_seen->offered_share, 1);
}

TEST(arrival_fit, a_generator_that_does_not_run_at_the_end_has_not_offered_the_rest) {
  world stage(50us);
  stage.options.rate_per_s = 1000;
  stage.options.length = 4s;
  stage.freeze_loop(3s, 4100ms);
  const model::load_result seen = stage.run().judged;
  EXPECT_NEAR(seen.arrivals_seen->offered_share, 0.75, 0.02);
  EXPECT_FALSE(seen.valid);
  EXPECT_TRUE(std::ranges::any_of(seen.reasons, [](const std::string& each) {
    return each.starts_with("generator offered 7");
  })) << ::testing::PrintToString(seen.reasons);
}

TEST(arrival_fit, the_closed_model_has_no_law) {
  world stage(50us);
  stage.options.length = 5ms;
  EXPECT_FALSE(stage.run().judged.arrivals_seen);
}

}  // namespace
}  // namespace assay::load
