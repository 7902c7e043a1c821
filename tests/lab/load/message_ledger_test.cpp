#include "lab/load/message_ledger.hpp"

#include <gtest/gtest.h>

#include "lab/load/message_text.hpp"
#include "lab/load/stream_verdict.hpp"

namespace assay::load {
namespace {

using namespace std::chrono_literals;
using arrival = message_ledger::arrival;

constexpr instant zero{1000s};

model::stream_result told(const message_ledger& of) {
  model::stream_result result;
  result.duration = 1s;
  of.write_to(result);
  return result;
}

std::uint64_t failed(const model::stream_result& in) {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : in.errors) sum += count;
  return sum;
}

TEST(message_text, carries_an_id_there_and_back) {
  message_text text("{\"say\":\"{id}\"}", 42);
  const std::string rendered(text.render(0xabc));
  EXPECT_EQ(rendered, "{\"say\":\"assay-0000002a-000000000abc\"}");
  EXPECT_EQ(text.number_in("he says: " + rendered + "!"), 0xabcU);
  EXPECT_EQ(message_text("hello", 1).render(1), "assay-00000001-000000000001 hello");
  EXPECT_EQ(message_text("", 1).render(1), "assay-00000001-000000000001");
}

TEST(message_text, takes_nothing_else_for_an_id) {
  const message_text text("{id}", 42);
  for (const char* other : {"", "assay-0000002a-", "assay-0000002a-00000000000", "assay-0000002a-00000000000G",
                            "assay-0000002b-000000000001", "assay-0000002A-000000000001"}) {
    EXPECT_FALSE(text.number_in(other)) << other;
  }
}

TEST(message_ledger, an_echo_counts_from_the_intended_instant) {
  message_ledger ledger({.connections = 2});
  ledger.sent({zero}, zero + 2ms, 1, bits_for(2));
  EXPECT_EQ(ledger.arrived(0, 0, zero + 3ms), arrival::surplus) << "another connection heard it";
  EXPECT_EQ(ledger.arrived(1, 1, zero + 3ms), arrival::unrelated) << "never sent";
  EXPECT_EQ(ledger.arrived(0, 1, zero + 5ms), arrival::received);
  EXPECT_EQ(ledger.arrived(0, 1, zero + 6ms), arrival::surplus);
  EXPECT_TRUE(ledger.empty());
  const model::stream_result result = told(ledger);
  EXPECT_EQ(result.latency.response_time.max(), 5'000'000U);
  EXPECT_EQ(result.latency.service_time.max(), 3'000'000U);
  EXPECT_EQ(result.latency.send_lag.max(), 2'000'000U);
  EXPECT_EQ(result.generator.own_lag_max_ns, 2'000'000U) << "nobody else can make a message late";
  EXPECT_EQ(result.received, 1U);
  EXPECT_EQ(result.surplus, 2U);
  EXPECT_EQ(result.unrelated, 1U);
  EXPECT_FALSE(result.reach) << "of broadcasts alone";
  EXPECT_LT(result.generator.little_residual, 1e-9);
}

TEST(message_ledger, what_does_not_come_is_charged_with_its_lower_bound) {
  message_ledger ledger({.connections = 1, .timeout = 1s});
  for (int i = 0; i < 3; ++i) ledger.sent({zero + i * 100ms}, zero + i * 100ms, 0, bits_for(1));
  EXPECT_EQ(ledger.next_expiry(), zero + 1s);
  EXPECT_EQ(ledger.arrived(1, 0, zero + 500ms), arrival::received);
  ledger.expire(zero + 1050ms);
  EXPECT_EQ(ledger.next_expiry(), zero + 1200ms) << "the second has come";
  EXPECT_EQ(ledger.arrived(0, 0, zero + 1100ms), arrival::surplus) << "too late";
  ledger.close(zero + 1100ms);
  const model::stream_result result = told(ledger);
  EXPECT_EQ(result.errors, (std::map<std::string, std::uint64_t>{{"timed_out", 1}, {"undrained", 1}}));
  EXPECT_EQ(result.latency.response_time.count(), 3U);
  EXPECT_EQ(result.latency.response_time.max(), 1'050'000'000U);
  EXPECT_EQ(result.received + failed(result), result.due);
  EXPECT_LT(result.generator.little_residual, 1e-9);
}

TEST(message_ledger, what_a_connection_cannot_take_is_charged_and_not_sent) {
  message_ledger ledger({.connections = 1, .timeout = 1s});
  ledger.held({zero}, zero, 0);
  EXPECT_EQ(ledger.arrived(0, 0, zero + 1ms), arrival::unrelated) << "cannot be: it was not sent";
  ledger.expire(zero + 1s);
  const model::stream_result result = told(ledger);
  EXPECT_EQ(result.sent, 0U);
  EXPECT_EQ(result.errors, (std::map<std::string, std::uint64_t>{{"unsent", 1}}));
  EXPECT_EQ(result.latency.response_time.max(), 1'000'000'000U);
  EXPECT_EQ(result.latency.service_time.count(), 0U);
}

TEST(message_ledger, a_lost_connection_loses_what_is_on_its_way_there_and_nothing_else) {
  message_ledger ledger({.connections = 2});
  for (const std::uint32_t from : {0U, 1U, 0U, 0U}) ledger.sent({zero}, zero, from, bits_for(2));
  EXPECT_EQ(ledger.arrived(2, 0, zero + 1ms), arrival::received);
  ledger.lost(0, failure_kind::reset, zero + 2ms);
  ledger.lost(0, failure_kind::reset, zero + 3ms);
  ledger.without_connection({zero});
  EXPECT_EQ(ledger.arrived(1, 1, zero + 4ms), arrival::received);
  EXPECT_TRUE(ledger.empty());
  const model::stream_result result = told(ledger);
  EXPECT_EQ(result.errors, (std::map<std::string, std::uint64_t>{{"reset", 2}, {"connect", 1}}));
  EXPECT_EQ(result.latency.response_time.count(), 2U) << "a failure that is fast improves no percentile";
  EXPECT_EQ(result.received + failed(result), result.due);
  EXPECT_LT(result.generator.little_residual, 1e-9);
}

TEST(message_ledger, a_broadcast_reaches_each_connection_once) {
  constexpr std::uint32_t all = 100;  // more than a word of bits
  message_ledger ledger({.connections = all, .timeout = 1s, .broadcast = true});
  connection_bits absent = bits_for(all);
  set_bit(absent, 70);
  ledger.sent({zero}, zero, 0, absent);
  ledger.sent({zero}, zero, 1, bits_for(all));
  for (std::uint32_t to = 0; to < all; ++to) {
    EXPECT_EQ(ledger.arrived(0, to, zero + 1ms), to == 70 ? arrival::surplus : arrival::received);
  }
  EXPECT_EQ(ledger.arrived(1, 99, zero + 2ms), arrival::received);
  EXPECT_EQ(ledger.arrived(1, 99, zero + 2ms), arrival::surplus);
  ledger.lost(70, failure_kind::closed, zero + 3ms);
  ledger.expire(zero + 1s);
  const model::stream_result result = told(ledger);
  EXPECT_EQ(result.received, 100U);
  EXPECT_DOUBLE_EQ(*result.reach, 0.5) << "99 and 1 of 200";
  EXPECT_EQ(result.errors, (std::map<std::string, std::uint64_t>{{"connect", 1}, {"closed", 1}, {"timed_out", 98}}));
  EXPECT_EQ(result.received + failed(result), result.due * all);
  EXPECT_LT(result.generator.little_residual, 1e-9);
}

TEST(message_ledger, more_than_fits_is_the_generators_own_limit) {
  constexpr std::uint32_t all = 1U << 20;  // 128 KiB of bits a message
  message_ledger ledger({.connections = all, .broadcast = true});
  std::uint64_t sent = 0;
  for (; ledger.has_room({zero}); ++sent) ledger.sent({zero}, zero, 0, bits_for(all));
  EXPECT_EQ(sent, max_delivery_bytes / (all / 8));
  EXPECT_EQ(ledger.count(failure_kind::own_limit), all);
  ledger.close(zero);
  EXPECT_TRUE(ledger.has_room({zero})) << "and used again";
}

TEST(message_ledger, a_message_counts_in_the_stage_that_it_was_meant_for) {
  message_ledger ledger({.connections = 2, .stages = 3, .timeout = 1s});
  ledger.sent({.intended = zero, .stage = 0}, zero, 0, bits_for(2));
  ledger.sent({.intended = zero + 900ms, .stage = 0}, zero + 900ms, 0, bits_for(2));
  ledger.without_connection({.intended = zero + 1s, .stage = 1});
  ledger.held({.intended = zero + 1100ms, .stage = 1}, zero + 1103ms, 1);
  EXPECT_EQ(ledger.arrived(0, 0, zero + 950ms), arrival::received);
  EXPECT_EQ(ledger.arrived(1, 0, zero + 1200ms), arrival::received) << "in the second stage's time";
  ledger.expire(zero + 2200ms);
  model::stream_result result;
  result.duration = 3s;
  result.stages.resize(2);  // it was ended before the third began
  ledger.write_to(result);
  const model::load_stage& first = result.stages[0];
  EXPECT_EQ(first.offered, 2U);
  EXPECT_EQ(first.sent, 2U);
  EXPECT_EQ(first.answered, 2U);
  EXPECT_TRUE(first.errors.empty());
  EXPECT_EQ(first.latency.response_time.max(), 950'000'000U);
  const model::load_stage& second = result.stages[1];
  EXPECT_EQ(second.offered, 2U);
  EXPECT_EQ(second.sent, 0U);
  EXPECT_EQ(second.answered, 0U);
  EXPECT_EQ(second.errors, (std::map<std::string, std::uint64_t>{{"connect", 1}, {"unsent", 1}}));
  EXPECT_EQ(second.latency.response_time.max(), 1'100'000'000U) << "the lower bound of what was held back";
  EXPECT_NEAR(static_cast<double>(second.own_lag_p99_ns), 3e6, 3e3);
  EXPECT_EQ(result.due, 4U);
  EXPECT_EQ(result.received + failed(result), result.due);
  EXPECT_EQ(result.latency.response_time.count(), 3U) << "the run is the sum of its stages";
}

TEST(message_ledger, what_does_not_fit_counts_in_its_stage) {
  constexpr std::uint32_t all = 1U << 20;
  message_ledger ledger({.connections = all, .stages = 2, .broadcast = true});
  while (ledger.has_room({.intended = zero, .stage = 1})) ledger.sent({.intended = zero}, zero, 0, bits_for(all));
  ledger.close(zero);
  model::stream_result result;
  result.duration = 1s;
  result.stages.resize(2);
  ledger.write_to(result);
  EXPECT_EQ(result.stages[0].errors, (std::map<std::string, std::uint64_t>{{"undrained", result.sent * all}}));
  EXPECT_EQ(result.stages[1].errors, (std::map<std::string, std::uint64_t>{{"own_limit", all}}));
  EXPECT_EQ(result.stages[1].offered, 1U);
}

TEST(message_ledger, goes_on_beyond_its_first_ring) {
  message_ledger ledger({.connections = 3});
  constexpr std::uint64_t many = 5000;
  for (std::uint64_t k = 0; k < many; ++k) {
    ledger.sent({zero}, zero, static_cast<std::uint32_t>(k % 3), bits_for(3));
    if (k >= 2000)
      EXPECT_EQ(ledger.arrived(k - 2000, static_cast<std::uint32_t>((k - 2000) % 3), zero), arrival::received);
  }
  ledger.lost(1, failure_kind::closed, zero);
  EXPECT_EQ(ledger.count(failure_kind::closed), 667U) << "numbers 3000 to 4999 that leave 1 by 3";
  ledger.close(zero);
  EXPECT_EQ(told(ledger).received, many - 2000);
}

model::stream_result measured(std::uint64_t receive_lag_ns) {
  model::stream_result result;
  result.offered_rate = 10;
  for (int i = 0; i < 1000; ++i) result.latency.response_time.record(20'000'000);
  result.receive_lag_p99_ns = receive_lag_ns;
  return result;
}

TEST(stream_verdict, a_generator_that_reads_late_is_invalid_where_it_shows) {
  model::stream_result fine = measured(1'900'000);
  judge_validity(fine);
  EXPECT_TRUE(fine.valid) << ::testing::PrintToString(fine.reasons);
  model::stream_result late = measured(2'100'000);
  judge_validity(late);
  ASSERT_EQ(late.reasons.size(), 1U);
  EXPECT_TRUE(late.reasons[0].starts_with("generator late in reading: p99 2.10 ms ")) << late.reasons[0];
  model::stream_result none;
  none.offered_rate = 10;
  judge_validity(none);
  EXPECT_EQ(none.reasons, std::vector<std::string>{"no message came back: there is nothing to measure"});
}

TEST(stream_verdict, a_stage_that_was_driven_late_is_named) {
  model::stream_result result = measured(0);
  result.stages = {{.shape = "100/s", .offered = 5000, .own_lag_p99_ns = 2'000},
                   {.shape = "100*10/s", .offered = 1000}};
  judge_validity(result);
  EXPECT_TRUE(result.valid) << ::testing::PrintToString(result.reasons);
  result.stages[1].own_lag_p99_ns = 2'500'000;
  judge_validity(result);
  EXPECT_FALSE(result.valid);
  EXPECT_EQ(result.reasons, std::vector<std::string>{"generator late in stage 2 (100*10/s): p99 2.50 ms after the "
                                                     "intended instant (at most 1.00 ms)"});
  result.generator.own_lag_p99_ns = 2'000'000;
  judge_validity(result);
  ASSERT_EQ(result.reasons.size(), 1U) << "the whole run's lateness is theirs";
  EXPECT_TRUE(result.reasons[0].starts_with("generator late: p99 2.00 ms")) << result.reasons[0];
}

}  // namespace
}  // namespace assay::load
