#include "lab/load/recorder.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <set>

namespace assay::load {
namespace {

using namespace std::chrono_literals;

instant at(duration offset) { return instant(1000s) + offset; }

TEST(recorder, response_counts_from_the_intention_and_service_from_the_send) {
  recorder seen;
  seen.departs(at(3ms));
  seen.lags(at(1ms), at(0ms), instant::min(), at(3ms));
  seen.answered(at(1ms), at(3ms), at(10ms), {.status = 200});
  EXPECT_EQ(seen.latency.response_time.max(), 9'000'000U);
  EXPECT_EQ(seen.latency.service_time.max(), 7'000'000U);
  EXPECT_EQ(seen.latency.send_lag.max(), 2'000'000U);
  EXPECT_EQ(seen.own_lag.max(), 2'000'000U) << "idle all the time, so the lateness is its own";
}

TEST(recorder, own_lag_begins_when_a_connection_was_idle) {
  recorder seen;
  seen.lags(at(1ms), at(8ms), instant::min(), at(9ms));
  EXPECT_EQ(seen.latency.send_lag.max(), 8'000'000U);
  EXPECT_EQ(seen.own_lag.max(), 1'000'000U);
}

TEST(recorder, own_lag_holds_what_came_due_while_the_thread_did_not_run) {
  recorder seen;
  seen.lags(at(1ms), at(8ms), at(5ms), at(9ms));
  EXPECT_EQ(seen.own_lag.max(), 4'000'000U) << "from the intention to when the thread ran again";
}

TEST(recorder, a_clock_that_steps_back_is_no_lateness) {
  recorder seen;
  seen.lags(at(5ms), at(0ms), instant::min(), at(4ms));
  EXPECT_EQ(seen.latency.send_lag.max(), 0U);
}

TEST(recorder, only_what_is_charged_is_in_the_percentiles) {
  recorder seen;
  for (const bool charged : {false, true}) {
    seen.departs(at(1ms));
    seen.failed(charged ? failure_kind::timed_out : failure_kind::reset, at(0ms), at(1ms), at(5ms), charged);
    seen.not_sent(charged ? failure_kind::unsent : failure_kind::connect, at(0ms), at(7ms), charged);
  }
  EXPECT_EQ(seen.latency.response_time.count(), 2U);
  EXPECT_EQ(seen.latency.response_time.max(), 7'000'000U);
  EXPECT_EQ(seen.latency.service_time.count(), 1U);
  EXPECT_EQ(seen.latency.service_time.max(), 4'000'000U);
  EXPECT_EQ(seen.latency.send_lag.count(), 1U);
  EXPECT_EQ(seen.errors[static_cast<std::size_t>(failure_kind::reset)], 1U);
  EXPECT_EQ(seen.errors[static_cast<std::size_t>(failure_kind::connect)], 1U);
}

TEST(recorder, the_time_in_flight_is_kept_two_ways_that_agree) {
  recorder seen;
  seen.departs(at(0ms));
  seen.departs(at(2ms));
  seen.answered(at(0ms), at(0ms), at(5ms), {.status = 200});
  seen.departs(at(6ms));
  seen.withdrawn(at(6ms), at(7ms));
  seen.failed(failure_kind::closed, at(2ms), at(2ms), at(9ms), false);
  EXPECT_DOUBLE_EQ(seen.in_flight_ns, 13e6);
  EXPECT_DOUBLE_EQ(seen.service_sum_ns, 13e6);
  EXPECT_EQ(seen.resent, 1U);
}

TEST(recorder, a_request_that_never_ended_shows_as_a_residual) {
  recorder seen;
  seen.departs(at(0ms));
  seen.departs(at(0ms));
  seen.answered(at(0ms), at(0ms), at(10ms), {.status = 200});
  model::load_result result;
  seen.write_to(result);
  EXPECT_DOUBLE_EQ(result.generator.little_residual, 0.5);
}

TEST(recorder, merges_to_what_one_would_have_measured) {
  recorder one;
  recorder two;
  recorder both;
  const auto record = [](recorder& into, duration took, int status) {
    into.connects++;
    into.received_bytes += 100;
    into.departs(at(0ms));
    into.lags(at(0ms), at(0ms), instant::min(), at(0ms));
    const auto error = status < 400 ? std::nullopt : std::optional(classify_status(status));
    into.answered(at(0ms), at(0ms), at(took), {.status = status, .error = error, .within_run = took < 3ms});
  };
  record(one, 2ms, 200);
  record(two, 4ms, 503);
  record(both, 2ms, 200);
  record(both, 4ms, 503);
  one.merge(two);
  EXPECT_EQ(one.latency.response_time, both.latency.response_time);
  EXPECT_EQ(one.latency.service_time, both.latency.service_time);
  EXPECT_EQ(one.latency.send_lag, both.latency.send_lag);
  EXPECT_EQ(one.own_lag, both.own_lag);
  EXPECT_EQ(one.errors, both.errors);
  EXPECT_EQ(one.answers, 2U);
  EXPECT_EQ(one.answers_within_run, 1U);
  EXPECT_EQ(one.well_within_run, 1U);
  EXPECT_EQ(one.latency.response_time.count(), 2U);
  EXPECT_EQ(one.latency.expected_response_time.count(), 1U) << "a refusal is no measure of the service";
  EXPECT_EQ(one.latency.expected_response_time.max(), 2'000'000U);
  EXPECT_EQ(one.connects, 2U);
  EXPECT_EQ(one.received_bytes, 200U);
  EXPECT_DOUBLE_EQ(one.service_sum_ns, 6e6);
}

TEST(recorder, a_result_names_the_kinds_that_occurred_and_no_other) {
  recorder seen;
  seen.not_sent(failure_kind::unsent, at(0ms), at(1ms), true);
  model::load_result result;
  seen.write_to(result);
  EXPECT_EQ(result.errors, (std::map<std::string, std::uint64_t>{{"unsent", 1}}));
}

TEST(failure_kinds, every_kind_has_a_label_of_its_own) {
  std::set<std::string_view> labels;
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) labels.insert(label(static_cast<failure_kind>(kind)));
  EXPECT_EQ(labels.size(), failure_kinds);
}

TEST(failure_kinds, follow_from_the_error) {
  EXPECT_EQ(classify({.code = errc::timed_out}), failure_kind::timed_out);
  EXPECT_EQ(classify({.code = errc::closed}), failure_kind::closed);
  EXPECT_EQ(classify({.code = errc::reset}), failure_kind::reset);
  EXPECT_EQ(classify({.code = errc::protocol}), failure_kind::protocol);
  EXPECT_EQ(classify({.code = errc::cancelled, .reason = cancel_reason::shutdown}), failure_kind::undrained);
  EXPECT_EQ(classify({.code = errc::system}), failure_kind::reset) << "whatever else the kernel says ends a connection";
}

}  // namespace
}  // namespace assay::load
