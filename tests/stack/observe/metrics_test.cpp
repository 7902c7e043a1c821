#include "stack/observe/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "stack/observe/exposition.hpp"

namespace assay::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string wrong_with(const metric_spec& spec, metric_kind kind = metric_kind::counter) {
  const auto checked = check(spec, kind);
  return checked ? "" : checked.error();
}

TEST(metric_spec, tells_what_prometheus_would_refuse) {
  EXPECT_EQ(wrong_with({.name = "shop_orders_total", .help = "h", .labels = {"state"}}), "");
  EXPECT_EQ(wrong_with({.name = "shop_orders", .help = "h"}),
            "metric \"shop_orders\": counters end in _total, and nothing else does");
  EXPECT_NE(wrong_with({.name = "shop-orders_total", .help = "h"}), "");
  EXPECT_NE(wrong_with({.name = "9_total", .help = "h"}), "");
  EXPECT_NE(wrong_with({.name = "a:b_total", .help = "h"}), "") << "':' is for recording rules";
  EXPECT_NE(wrong_with({.name = std::string(130, 'a') + "_total", .help = "h"}), "");
  EXPECT_NE(wrong_with({.name = "a_total", .help = ""}), "");
  EXPECT_NE(wrong_with({.name = "a_total", .help = "h", .labels = {"__name"}}), "");
  EXPECT_NE(wrong_with({.name = "a_total", .help = "h", .labels = {"le"}}), "");
  EXPECT_NE(wrong_with({.name = "a_total", .help = "h", .labels = {"x", "x"}}), "");
  EXPECT_NE(wrong_with({.name = "a_total", .help = "h", .labels = {"b c"}}), "");
  EXPECT_NE(wrong_with({.name = "a_total", .help = "h", .max_series = 0}), "");
  EXPECT_NE(wrong_with({.name = "a_seconds_total", .help = "h"}), "") << "seconds are recorded in nanoseconds";
  EXPECT_EQ(wrong_with({.name = "a_seconds_total", .help = "h", .unit = metric_unit::nanoseconds}), "");
  EXPECT_NE(wrong_with({.name = "a_count", .help = "h"}, metric_kind::gauge), "");
  EXPECT_NE(wrong_with({.name = "a_total", .help = "h"}, metric_kind::gauge), "");
  EXPECT_NE(wrong_with({.name = "a", .help = "h"}, metric_kind::distribution), "") << "no bounds";
  EXPECT_NE(wrong_with({.name = "a", .help = "h", .bounds = {2, 2}}, metric_kind::distribution), "");
  EXPECT_EQ(wrong_with({.name = "a", .help = "h", .bounds = {2, 3}}, metric_kind::distribution), "");
  EXPECT_NE(wrong_with({.name = "a", .help = "h", .bounds = {2, 3}}, metric_kind::gauge), "");
}

TEST(metrics, the_same_spec_is_the_same_metric_and_another_of_its_name_is_refused) {
  registry metrics;
  const metric_spec spec{.name = "a_total", .help = "h", .labels = {"x"}};
  const auto first = metrics.counter(spec);
  EXPECT_EQ(metrics.counter(spec).value().of, first.value().of);
  EXPECT_FALSE(metrics.counter({.name = "a_total", .help = "h"}));
  EXPECT_EQ(metrics.gauge({.name = "a", .help = "h"}).error(), "metric \"a\": registered before as something else")
      << "in OpenMetrics both are called a";
  EXPECT_FALSE(metrics.counter({.name = std::string(overflow_metric_name), .help = "h"}));
}

TEST(metrics, a_scrape_adds_the_shards_up) {
  registry metrics;
  const auto orders = metrics.counter({.name = "orders_total", .help = "Orders.", .labels = {"state"}}).value();
  const auto open = metrics.gauge({.name = "open", .help = "Open."}).value();
  const auto took = metrics
                        .distribution({.name = "took_seconds",
                                       .help = "Took.",
                                       .unit = metric_unit::nanoseconds,
                                       .bounds = {500'000, 1'000'000'000}})
                        .value();
  for (int loop = 0; loop < 2; ++loop) {
    shard& mine = metrics.add_shard();
    mine.at(orders, {"paid"}).add(2);
    mine.at(open).add(1.5);
    mine.at(took).record(500'000);
    mine.at(took).record(500'001);
    mine.at(took).record(1'500'000'000);
  }
  metrics.add_shard().at(orders, {"lost"}).add();
  EXPECT_EQ(expose(metrics, exposition::prometheus),
            "# HELP open Open.\n# TYPE open gauge\nopen 3\n"
            "# HELP orders_total Orders.\n# TYPE orders_total counter\n"
            "orders_total{state=\"lost\"} 1\norders_total{state=\"paid\"} 4\n"
            "# HELP took_seconds Took.\n# TYPE took_seconds histogram\n"
            "took_seconds_bucket{le=\"0.0005\"} 2\ntook_seconds_bucket{le=\"1\"} 4\n"
            "took_seconds_bucket{le=\"+Inf\"} 6\ntook_seconds_sum 3.002000002\ntook_seconds_count 6\n"
            "# HELP assay_metrics_overflow_total Recordings whose labels came after max_series, counted as \"other\".\n"
            "# TYPE assay_metrics_overflow_total counter\n"
            "assay_metrics_overflow_total{metric=\"orders_total\"} 0\n");
}

TEST(metrics, openmetrics_names_counters_without_their_ending_and_says_where_it_ends) {
  registry metrics;
  const auto busy =
      metrics.counter({.name = "busy_seconds_total", .help = "A \"b\".", .unit = metric_unit::nanoseconds}).value();
  const auto size = metrics.distribution({.name = "size", .help = "S.", .bounds = {1}}).value();
  shard& mine = metrics.add_shard();
  mine.at(busy).add(2'500'000'000);
  mine.at(size).record(7);
  EXPECT_EQ(expose(metrics, exposition::openmetrics),
            "# HELP busy_seconds A \\\"b\\\".\n# TYPE busy_seconds counter\n# UNIT busy_seconds seconds\n"
            "busy_seconds_total 2.5\n"
            "# HELP size S.\n# TYPE size histogram\nsize_bucket{le=\"1.0\"} 0\nsize_bucket{le=\"+Inf\"} 1\n"
            "size_sum 7\nsize_count 1\n"
            "# HELP assay_metrics_overflow Recordings whose labels came after max_series, counted as \\\"other\\\".\n"
            "# TYPE assay_metrics_overflow counter\n# EOF\n");
  EXPECT_EQ(negotiated("text/plain;version=0.0.4"), exposition::prometheus);
  EXPECT_EQ(negotiated("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2"), exposition::openmetrics);
}

TEST(metrics, label_values_of_any_bytes_are_escaped_and_cut) {
  registry metrics;
  const auto seen = metrics.counter({.name = "seen_total", .help = "h", .labels = {"a", "b"}}).value();
  shard& mine = metrics.add_shard();
  mine.at(seen, {"x\"\\\n", "\xFF"}).add();
  mine.at(seen, {std::string(200, 'y'), ""}).add();
  mine.at(seen, {std::string(300, 'y'), ""}).add();
  const std::string text = expose(metrics, exposition::prometheus);
  EXPECT_THAT(text, HasSubstr("seen_total{a=\"x\\\"\\\\\\n\",b=\"\xEF\xBF\xBD\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("seen_total{a=\"" + std::string(128, 'y') + "\",b=\"\"} 2\n"));
}

TEST(metrics, label_sets_beyond_the_limit_are_one_series_and_counted) {
  registry metrics;
  const auto paths = metrics.counter({.name = "hits_total", .help = "h", .labels = {"path"}, .max_series = 2}).value();
  shard& one = metrics.add_shard();
  shard& two = metrics.add_shard();
  one.at(paths, {"/a"}).add();
  two.at(paths, {"/b"}).add();
  one.at(paths, {"/c"}).add(5);
  two.at(paths, {"/d"}).add();
  one.at(paths, {"/b"}).add(10);  // admitted by the other shard
  two.at(paths, {"/a"}).add(10);
  two.at(paths, {"/e"}).add();
  const std::string text = expose(metrics, exposition::prometheus);
  EXPECT_THAT(text,
              HasSubstr("hits_total{path=\"/a\"} 11\nhits_total{path=\"/b\"} 11\nhits_total{path=\"other\"} 7\n"));
  EXPECT_THAT(text, Not(HasSubstr("/c")));
  EXPECT_THAT(text, HasSubstr("assay_metrics_overflow_total{metric=\"hits_total\"} 3\n"));
}

TEST(metrics, a_metric_without_labels_is_there_before_its_first_count) {
  registry metrics;
  ASSERT_TRUE(metrics.counter({.name = "a_total", .help = "h"}));
  EXPECT_THAT(expose(metrics, exposition::prometheus), HasSubstr("\na_total 0\n"));
}

TEST(metrics, numbers_that_are_none_are_spelled_as_the_format_has_them) {
  registry metrics;
  shard& mine = metrics.add_shard();
  mine.at(metrics.gauge({.name = "nan", .help = "h"}).value()).set(std::numeric_limits<double>::quiet_NaN());
  mine.at(metrics.gauge({.name = "most", .help = "h"}).value()).set(-std::numeric_limits<double>::infinity());
  mine.at(metrics.gauge({.name = "tenth", .help = "h"}).value()).set(0.1);
  const std::string text = expose(metrics, exposition::prometheus);
  EXPECT_THAT(text, HasSubstr("\nnan NaN\n"));
  EXPECT_THAT(text, HasSubstr("\nmost -Inf\n"));
  EXPECT_THAT(text, HasSubstr("\ntenth 0.1\n"));
}

// Each writer adds to a shard of its own while others are made and scraped: nothing is lost, and no scrape sees less
// than the one before.
TEST(metrics, scrapes_while_loops_write_see_counts_that_only_grow) {
  constexpr std::uint64_t rounds = 20'000;
  registry metrics;
  const auto work = metrics.counter({.name = "work_total", .help = "h", .labels = {"kind"}, .max_series = 64}).value();
  std::vector<std::thread> writers;
  for (int i = 0; i < 3; ++i) {
    writers.emplace_back([&metrics, work] {
      shard& mine = metrics.add_shard();
      for (std::uint64_t round = 0; round < rounds; ++round) mine.at(work, {std::to_string(round % 100)}).add();
    });
  }
  std::uint64_t before = 0;
  const auto total = [&metrics] {
    std::uint64_t sum = 0;
    const std::vector<merged_family> all = metrics.scrape();
    for (const merged_series& each : all.at(0).series) sum += each.cells[0];
    return sum;
  };
  for (int i = 0; i < 50; ++i) {
    const std::uint64_t now = total();
    EXPECT_GE(now, before);
    before = now;
  }
  for (std::thread& each : writers) each.join();
  EXPECT_EQ(total(), 3 * rounds);
  EXPECT_EQ(metrics.scrape().at(0).series.size(), 65U);
}

}  // namespace
}  // namespace assay::observe
