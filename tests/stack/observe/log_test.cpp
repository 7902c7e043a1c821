#include "stack/observe/log.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "stack/observe/trace_context.hpp"
#include "stack/runtime/scope.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr std::int64_t noon_ns = 1'795'608'000'123'456'789;  // 2026-11-25T12:00:00.123456789Z
std::int64_t at_noon() { return noon_ns; }

// A pipe whose writing end a log has.
struct pipe_pair {
  pipe_pair() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    out = ends[0];
    in = ends[1];
  }
  ~pipe_pair() {
    close_in();
    ::close(out);
  }
  void close_in() {
    if (in >= 0) ::close(std::exchange(in, -1));
  }
  // All that was written, once nobody can write any more.
  std::string read_all() {
    close_in();
    return read_to_end();
  }
  std::string read_to_end() const {
    std::string text;
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; (got = ::read(out, bytes.data(), bytes.size())) > 0;) {
      text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text;
  }
  int out = -1;
  int in = -1;
};

// What a log writes that is given these lines.
template <class Write>
std::string logged(log_options options, Write write) {
  pipe_pair to;
  {
    json_log log(to.in, options);
    write(log);
  }
  return to.read_all();
}

std::size_t lines_in(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

TEST(log_time, is_rfc_3339_in_utc) {
  std::string text;
  append_time(text, noon_ns);
  EXPECT_EQ(text, "2026-11-25T12:00:00.123456Z");
  text.clear();
  append_time(text, 951'827'696'000'000'001);
  EXPECT_EQ(text, "2000-02-29T12:34:56.000000Z");
}

TEST(json_log, writes_one_object_a_line_with_the_ids_of_the_context) {
  log_site site(level::warn, "slow query");
  context about;
  about.request_id = 0xF067AA0BA902B7;
  about.trace = *parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  const std::vector<std::string> frames = {"a()", "b\"c"};
  const std::string text = logged({.clock = &at_noon}, [&](json_log& log) {
    log.write(
        site, about,
        {{"reason", "timed_out"}, {"n", -3}, {"u", 7U}, {"x", 0.5}, {"yes", true}, {"none", ""}, {"stack", frames}});
  });
  EXPECT_EQ(text,
            "{\"time\":\"2026-11-25T12:00:00.123456Z\",\"level\":\"warn\",\"message\":\"slow query\","
            "\"request_id\":\"00f067aa0ba902b7\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\","
            "\"reason\":\"timed_out\",\"n\":-3,\"u\":7,\"x\":0.5,\"yes\":true,\"stack\":[\"a()\",\"b\\\"c\"]}\n");
}

TEST(json_log, what_a_client_sent_cannot_forge_a_line) {
  log_site site(level::info, "request");
  const std::string hostile = "x\",\"level\":\"error\"}\n{\"time\":\"\xFF\r\x1B[2J";
  const std::string text = logged({}, [&](json_log& log) { log.write(site, {{"path", hostile}}); });
  ASSERT_EQ(lines_in(text), 1U);
  const auto line = nlohmann::json::parse(text);
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["path"], "x\",\"level\":\"error\"}\n{\"time\":\"\xEF\xBF\xBD\r\x1B[2J");
}

TEST(json_log, numbers_that_json_has_not_are_null_and_long_texts_are_cut) {
  log_site site(level::info, "m");
  const std::string text = logged({.max_value_bytes = 5, .clock = &at_noon}, [&](json_log& log) {
    log.write(site, {{"x", std::numeric_limits<double>::infinity()},
                     {"t",
                      "abc\xE2\x82\xAC"
                      "d"}});
  });
  EXPECT_THAT(text, HasSubstr("\"x\":null,\"t\":\"abc\xE2\x80\xA6\"}"));
}

TEST(json_log, less_than_the_least_level_is_not_written) {
  log_site debug(level::debug, "d");
  log_site error(level::error, "e");
  const std::string text = logged({.least = level::warn}, [&](json_log& log) {
    log.write(debug, {});
    log.write(error, {});
    EXPECT_EQ(log.counted().suppressed, 0U);
  });
  EXPECT_EQ(lines_in(text), 1U);
}

TEST(log_site, is_limited_to_its_rate_and_says_what_it_left_out) {
  log_site site(level::info, "m", {.per_second = 10, .burst = 2});
  const std::int64_t ms = 1'000'000;
  EXPECT_TRUE(site.admit(noon_ns));
  EXPECT_TRUE(site.admit(noon_ns));
  EXPECT_FALSE(site.admit(noon_ns));
  EXPECT_FALSE(site.admit(noon_ns + 99 * ms));
  EXPECT_TRUE(site.admit(noon_ns + 100 * ms));
  EXPECT_EQ(site.take_suppressed(), 2U);
  EXPECT_EQ(site.take_suppressed(), 0U);
  EXPECT_TRUE(site.admit(noon_ns - 3600'000 * ms)) << "the clock was set back by an hour";

  log_site often(level::info, "m", {.per_second = 1, .burst = 1});
  const std::string text = logged({.clock = &at_noon}, [&](json_log& log) {
    for (int i = 0; i < 5; ++i) log.write(often, {});
    EXPECT_EQ(log.counted().suppressed, 4U);
  });
  EXPECT_EQ(lines_in(text), 1U);
  EXPECT_EQ(often.take_suppressed(), 4U);
}

TEST(json_log, lines_of_a_thread_keep_their_order_and_none_is_lost) {
  log_site site(level::info, "m", {.per_second = 0, .burst = 0});
  pipe_pair to;
  std::string text;
  std::thread reader([&] { text = to.read_to_end(); });
  {
    json_log log(to.in);
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer) {
      writers.emplace_back([&, writer] {
        for (int i = 0; i < 1000; ++i) log.write(site, {{"writer", writer}, {"i", i}});
      });
    }
    for (std::thread& each : writers) each.join();
  }
  to.close_in();
  reader.join();
  std::array<int, 4> next{};
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    const auto line = nlohmann::json::parse(text.substr(begin, text.find('\n', begin) - begin));
    EXPECT_EQ(line["i"], next.at(line["writer"])++);
  }
  EXPECT_THAT(next, ::testing::Each(1000));
}

// Nobody reads at first: the pipe, the batch under way and the buffer fill up, and the rest is dropped.
TEST(json_log, is_bounded_and_says_what_it_dropped) {
  constexpr std::size_t pushed = 2000;
  log_site site(level::info, "m", {.per_second = 0, .burst = 0});
  const std::string filling(100, 'x');
  pipe_pair to;
  ASSERT_GE(::fcntl(to.in, F_SETPIPE_SZ, 4096), 4096);
  std::string text;
  std::thread reader;
  std::uint64_t dropped = 0;
  {
    json_log log(to.in, {.max_buffered_bytes = 16 * 1024});
    for (std::size_t i = 0; i < pushed; ++i) log.write(site, {{"text", filling}});
    dropped = log.counted().dropped;
    reader = std::thread([&] { text = to.read_to_end(); });
  }
  to.close_in();
  reader.join();
  EXPECT_GT(dropped, pushed - 300) << "of about 190 bytes each";
  EXPECT_THAT(text, HasSubstr("\"message\":\"log lines were dropped\",\"lines\":"));
  std::size_t told = 0;
  std::size_t lines = 0;
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1) {
    const auto line = nlohmann::json::parse(text.substr(begin, text.find('\n', begin) - begin));
    told += line.value("lines", std::size_t{0});
    lines += line.contains("text") ? 1 : 0;
  }
  EXPECT_EQ(told, dropped);
  EXPECT_EQ(lines + dropped, pushed);
}

TEST(json_log, a_line_that_is_too_long_is_dropped) {
  log_site site(level::info, "m");
  const std::string text = logged({.max_value_bytes = 1000, .max_line_bytes = 500}, [&](json_log& log) {
    log.write(site, {{"text", std::string(600, 'x')}});
    EXPECT_EQ(log.counted().dropped, 1U);
    log.write(site, {{"text", "short"}});
  });
  EXPECT_THAT(text, HasSubstr("short"));
  EXPECT_THAT(text, HasSubstr("\"lines\":1"));
}

// As when the terminal was stopped with ^S: the end does not take longer than it may.
TEST(json_log, the_end_does_not_wait_for_a_reader_that_does_not_read) {
  log_site site(level::info, "m", {.per_second = 0, .burst = 0});
  pipe_pair to;
  ASSERT_GE(::fcntl(to.in, F_SETPIPE_SZ, 4096), 4096);
  const auto began = std::chrono::steady_clock::now();
  {
    json_log log(to.in, {.flush_timeout = 100ms});
    for (int i = 0; i < 500; ++i) log.write(site, {{"text", "nobody reads this"}});
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST(json_log, a_reader_that_has_gone_is_no_signal_but_a_count) {
  log_site site(level::info, "m", {.per_second = 0, .burst = 0});
  pipe_pair to;
  json_log log(to.in);
  ::close(std::exchange(to.out, -1));
  log.write(site, {});
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (log.counted().failed == 0 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  EXPECT_EQ(log.counted().failed, 1U);
}

// --- failures that nobody observes -----------------------------------------------------------------------------------

task<result<void>> fails(errc code) {
  std::ignore = co_await delay_for(1ms);
  co_return std::unexpected(error{.code = code, .what = "read"});
}

task<void> fail_twice() {
  scope children(co_await this_context());
  children.spawn(fails(errc::reset));
  children.spawn(fails(errc::protocol));
  std::ignore = co_await children.join();
}

TEST(json_log, takes_over_the_failures_that_nobody_observes) {
  pipe_pair to;
  {
    json_log log(to.in);
    EXPECT_EQ(report_failures_to(&log), nullptr);
    loop on(std::make_unique<sim_io>());
    on.run(fail_twice());
    EXPECT_EQ(report_failures_to(nullptr), &log) << "for who has it take its place for a while";
  }
  const auto line = nlohmann::json::parse(to.read_all());
  EXPECT_EQ(line["message"], "a task failed unobserved");
  EXPECT_EQ(line["reason"], "protocol") << "join() told of the first";
  EXPECT_THAT(line["spawned_file"].get<std::string>(), HasSubstr("log_test.cpp"));
  EXPECT_THAT(line["spawned_by"].get<std::string>(), HasSubstr("fail_twice"));
}

}  // namespace
}  // namespace assay::observe
