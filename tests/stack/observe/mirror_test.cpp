#include "stack/observe/mirror.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "stack/observe/exposition.hpp"
#include "stack/observe/offload_metrics.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/sim_io.hpp"

namespace assay::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const metric_spec orders{.name = "orders_total", .help = "h", .labels = {"outcome"}};
const metric_spec waited{.name = "wait_seconds_total", .help = "h", .unit = metric_unit::nanoseconds};
const metric_spec busy{.name = "busy", .help = "h"};

std::string text_of(const registry& metrics) { return expose(metrics, exposition::prometheus); }

// What a policy or a pool would count.
struct source {
  std::uint64_t paid = 0;
  duration waited{};
  int busy = 0;

  void show_in(mirror& in) {
    in.counter(orders, {"paid"}, &paid);
    in.counter(observe::waited, {}, &waited);
    in.gauge(observe::busy, {}, [this](instant) { return busy; });
  }
};

TEST(mirror, carries_what_has_changed) {
  registry metrics;
  source counted;
  mirror numbers(metrics, metrics.add_shard());
  counted.show_in(numbers);
  counted = {.paid = 3, .waited = 2500ms, .busy = 2};
  EXPECT_THAT(text_of(metrics), HasSubstr("orders_total{outcome=\"paid\"} 0\n"));
  numbers.carry(instant(1s));
  EXPECT_THAT(text_of(metrics), HasSubstr("orders_total{outcome=\"paid\"} 3\n"));
  EXPECT_THAT(text_of(metrics), HasSubstr("wait_seconds_total 2.5\n"));
  EXPECT_THAT(text_of(metrics), HasSubstr("\nbusy 2\n"));
  counted.paid = 4;
  counted.busy = 0;
  numbers.carry(instant(2s));
  EXPECT_THAT(text_of(metrics), HasSubstr("orders_total{outcome=\"paid\"} 4\n"));
  EXPECT_THAT(text_of(metrics), HasSubstr("\nbusy 0\n"));
  EXPECT_EQ(numbers.problem(), "");
}

TEST(mirror, adds_up_loops_and_what_is_alike_on_one) {
  registry metrics;
  source first{.paid = 1, .busy = 1};
  source second{.paid = 10, .busy = 10};
  source third{.paid = 100, .busy = 100};
  mirror here(metrics, metrics.add_shard());
  mirror there(metrics, metrics.add_shard());
  first.show_in(here);
  second.show_in(here);
  third.show_in(there);
  here.carry(instant(1s));
  there.carry(instant(1s));
  EXPECT_THAT(text_of(metrics), HasSubstr("orders_total{outcome=\"paid\"} 111\n"));
  EXPECT_THAT(text_of(metrics), HasSubstr("\nbusy 111\n"));
}

TEST(mirror, takes_its_gauges_back_at_the_end_and_leaves_what_was_counted) {
  registry metrics;
  {
    source counted{.paid = 3, .busy = 2};
    mirror numbers(metrics, metrics.add_shard());
    counted.show_in(numbers);
    numbers.carry(instant(1s));
    numbers.close();
    numbers.close();
  }
  EXPECT_THAT(text_of(metrics), HasSubstr("orders_total{outcome=\"paid\"} 3\n"));
  EXPECT_THAT(text_of(metrics), HasSubstr("\nbusy 0\n"));
}

TEST(mirror, tells_of_a_name_that_others_have_taken) {
  registry metrics;
  source counted{.paid = 1};
  ASSERT_TRUE(metrics.counter({.name = "orders_total", .help = "of somebody else"}));
  mirror numbers(metrics, metrics.add_shard());
  counted.show_in(numbers);
  EXPECT_EQ(numbers.problem(), "metric \"orders_total\": registered before as something else");
  numbers.carry(instant(1s));
  EXPECT_THAT(text_of(metrics), HasSubstr("\norders_total 0\n")) << "that is the other's";
}

TEST(mirror, shows_what_threads_of_a_pool_do) {
  registry metrics;
  offload_pool workers({.threads = 1, .max_queued = 1});
  mirror numbers(metrics, metrics.add_shard());
  show(numbers, workers, "disk");
  std::latch begun(1);
  std::latch gate(1);
  ASSERT_TRUE(workers.post([&] {
    begun.count_down();
    gate.wait();
  }));
  begun.wait();
  EXPECT_TRUE(workers.post([] {}));
  EXPECT_FALSE(workers.post([] {}));
  numbers.carry(instant(1s));
  for (const char* line :
       {"assay_offload_queued{pool=\"disk\"} 1\n", "assay_offload_running{pool=\"disk\"} 1\n",
        "assay_offload_shed_total{pool=\"disk\"} 1\n", "assay_offload_done_total{pool=\"disk\"} 0\n"}) {
    EXPECT_THAT(text_of(metrics), HasSubstr(line));
  }
  gate.count_down();
  while (workers.counters().done < 2) std::this_thread::yield();
  numbers.carry(instant(2s));
  for (const char* line :
       {"assay_offload_queued{pool=\"disk\"} 0\n", "assay_offload_running{pool=\"disk\"} 0\n",
        "assay_offload_dropped_total{pool=\"disk\"} 0\n", "assay_offload_done_total{pool=\"disk\"} 2\n"}) {
    EXPECT_THAT(text_of(metrics), HasSubstr(line));
  }
}

// Two pieces of work, the second long after the first.
task<void> work(mirror* numbers, source* counted, registry* metrics) {
  const context& ctx = co_await this_context();
  numbers->run_on(*ctx.on, [counted] { return counted->busy > 0; });
  EXPECT_EQ(ctx.on->timers().size(), 0U) << "nothing has begun";
  numbers->touch();
  *counted = {.paid = 1, .busy = 1};
  std::ignore = co_await delay_for(101ms);
  EXPECT_THAT(text_of(*metrics), HasSubstr("\nbusy 1\n"));
  *counted = {.paid = 2, .busy = 0};
  std::ignore = co_await delay_for(100ms);
  EXPECT_THAT(text_of(*metrics), HasSubstr("orders_total{outcome=\"paid\"} 2\n")) << "it was busy, and so looked again";
  EXPECT_EQ(ctx.on->timers().size(), 0U) << "an idle loop sleeps";
  counted->paid = 3;
  std::ignore = co_await delay_for(1h);
  EXPECT_THAT(text_of(*metrics), HasSubstr("orders_total{outcome=\"paid\"} 2\n"));
  numbers->touch();
  numbers->touch();
  EXPECT_EQ(ctx.on->timers().size(), 1U);
  numbers->close();
  EXPECT_EQ(ctx.on->timers().size(), 0U);
  EXPECT_THAT(text_of(*metrics), HasSubstr("orders_total{outcome=\"paid\"} 3\n")) << "the end loses nothing";
  numbers->touch();
  EXPECT_EQ(ctx.on->timers().size(), 0U) << "after the end it does nothing";
}

TEST(mirror, looks_while_there_is_something_under_way_and_then_no_more) {
  registry metrics;
  source counted;
  mirror numbers(metrics, metrics.add_shard());
  counted.show_in(numbers);
  loop on(std::make_unique<sim_io>());
  on.run(work(&numbers, &counted, &metrics));
}

// As when another loop uses the pool: nothing is under way on this one.
task<void> rest_beside(offload_pool* workers, mirror* numbers, const registry* metrics) {
  const context& ctx = co_await this_context();
  numbers->run_on(*ctx.on, [] { return false; });
  for (std::uint64_t done = 1; done <= 3; ++done) {
    EXPECT_TRUE(workers->post([] {}));
    while (workers->counters().done < done) std::this_thread::yield();
    std::ignore = co_await delay_for(mirror::every + 1ms);
    EXPECT_THAT(text_of(*metrics), HasSubstr("assay_offload_done_total{pool=\"disk\"} " + std::to_string(done) + "\n"));
  }
  numbers->close();
  EXPECT_EQ(ctx.on->timers().size(), 0U);
}

TEST(mirror, an_idle_loop_carries_what_a_pool_does_for_others) {
  registry metrics;
  offload_pool workers({.threads = 1});
  mirror numbers(metrics, metrics.add_shard());
  show(numbers, workers, "disk");
  loop on(std::make_unique<sim_io>());
  on.run(rest_beside(&workers, &numbers, &metrics));
}

}  // namespace
}  // namespace assay::observe
