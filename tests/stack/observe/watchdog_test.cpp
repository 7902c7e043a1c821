// Real threads, real loops and real stalls. What waits waits for a condition; only a stall itself takes time.
#include "stack/observe/watchdog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <future>
#include <mutex>
#include <thread>

#include "stack/observe/exposition.hpp"
#include "stack/runtime/channel.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"
#include "stack/runtime/scope.hpp"
#include "tests/stack/net/net_test_support.hpp"

namespace assay::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;

class watchdog_test : public ::testing::TestWithParam<testing_support::backend_kind> {
 protected:
  static std::unique_ptr<io> backend() { return testing_support::make_backend(GetParam(), 1); }
};
INSTANTIATE_TEST_SUITE_P(backends, watchdog_test, ::testing::ValuesIn(testing_support::real_backends()),
                         testing_support::backend_name);

constexpr const char* samples_of_loop_0 = "assay_loop_lag_seconds_count{loop=\"0\"}";

// The value of the metric's first line that begins like this; 0 when there is none.
double exposed(const registry& metrics, const std::string& name) {
  const std::string text = expose(metrics, exposition::prometheus);
  const std::size_t at = text.find("\n" + name + " ");
  double value = 0;
  if (at == std::string::npos) return value;
  std::from_chars(text.data() + at + name.size() + 2, text.data() + text.size(), value);
  return value;
}

// However slow the machine is, the stalled thread gets round to writing its stack. That it is not waited for without
// end is another test's.
constexpr watchdog_options patient{.capture_limit = 10s};

// What a watchdog has said, for a test that waits for it.
class listener {
 public:
  watchdog_outputs outputs(registry* metrics = nullptr) {
    return {.log = nullptr,
            .metrics = metrics,
            .on_stall =
                [this, metrics](const stall_report& of) {
                  const std::lock_guard lock(mutex_);
                  if (metrics != nullptr) samples_.push_back(exposed(*metrics, samples_of_loop_0));
                  reports_.push_back(of);
                  news_.notify_all();
                },
            .on_readiness =
                [this](bool ready) {
                  const std::lock_guard lock(mutex_);
                  readiness_.push_back(ready);
                  news_.notify_all();
                }};
  }

  bool wait_for_reports(std::size_t count) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, 20s, [&] { return reports_.size() >= count; });
  }
  bool wait_for_readiness(bool ready) {
    std::unique_lock lock(mutex_);
    return news_.wait_for(lock, 20s, [&] { return !readiness_.empty() && readiness_.back() == ready; });
  }
  std::vector<stall_report> reports() {
    const std::lock_guard lock(mutex_);
    return reports_;
  }
  // How many there were of loop 0's lag by the first report.
  double samples() {
    const std::lock_guard lock(mutex_);
    return samples_.empty() ? 0 : samples_.front();
  }

 private:
  std::mutex mutex_;
  std::condition_variable news_;
  std::vector<stall_report> reports_;
  std::vector<double> samples_;
  std::vector<bool> readiness_;
};

// --- ways to stall ---------------------------------------------------------------------------------------------------

// As a synchronous client does that waits for its server. Signals do not shorten it.
[[gnu::noinline]] void stall_in_the_kernel(duration span) {
  timespec until{};
  ::clock_gettime(CLOCK_MONOTONIC, &until);
  const std::int64_t ns = until.tv_nsec + span.count();
  until.tv_sec += ns / 1'000'000'000;
  until.tv_nsec = ns % 1'000'000'000;
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

[[gnu::noinline]] void stall_by_computing(listener& until_reported) {
  const auto limit = std::chrono::steady_clock::now() + 20s;
  while (until_reported.reports().empty() && std::chrono::steady_clock::now() < limit) {
  }
}

[[gnu::noinline]] void stall_on_a_lock(std::mutex& contended) { const std::lock_guard lock(contended); }

// The line of each spawn is what a report has to name.
task<void> sleeps(duration span) {
  std::ignore = co_await delay_for(20ms);
  stall_in_the_kernel(span);
}
task<void> spins(listener& until_reported) {
  co_await yield();
  stall_by_computing(until_reported);
}
task<void> locks(std::mutex& contended) {
  co_await yield();
  stall_on_a_lock(contended);
}
task<void> waits(duration span) { std::ignore = co_await delay_for(span); }

// `child` beside one that is well, which must not be blamed. The line that spawned it.
task<unsigned> among_others(task<void> child) {
  scope children(co_await this_context());
  children.spawn(waits(10ms));
  children.child_context().request_id = 77;
  const unsigned line = std::source_location::current().line() + 1;
  children.spawn(std::move(child));
  std::ignore = co_await children.join();
  co_return line;
}

void expect_blame(const stall_report& report, unsigned line, const std::string& function) {
  EXPECT_GE(report.lasted, 25ms);
  ASSERT_TRUE(report.spawned) << report.no_backtrace;
  EXPECT_EQ(report.spawned->line(), line);
  EXPECT_THAT(report.spawned->file_name(), HasSubstr("watchdog_test.cpp"));
  EXPECT_THAT(report.spawned->function_name(), HasSubstr("among_others"));
  EXPECT_EQ(report.request_id, 77U);
  EXPECT_THAT(report.backtrace, Contains(HasSubstr(function))) << "and not only where the kernel was entered";
}

TEST_P(watchdog_test, names_the_task_that_sleeps_on_its_loop) {
  listener heard;
  watchdog dog(patient, heard.outputs());
  loop on(backend());
  const unsigned line = on.run(among_others(sleeps(300ms)));
  ASSERT_TRUE(heard.wait_for_reports(1));
  EXPECT_EQ(heard.reports().size(), 1U) << "one stall, one report";
  EXPECT_LT(heard.reports()[0].lasted, 300ms) << "while it lasts";
  expect_blame(heard.reports()[0], line, "stall_in_the_kernel");
}

// Within a second, as the watchdog counts it: by its samples, which are a period apart. By the clock it can be more, on
// a machine that does not let the watchdog look; stall_detector_test has the bound in virtual time.
void expect_named_within_a_second(listener& heard) {
  EXPECT_LT(heard.samples(), std::chrono::duration<double>(1s) / patient.period);
}

TEST_P(watchdog_test, names_the_task_that_computes) {
  listener heard;
  registry metrics;
  watchdog dog(patient, heard.outputs(&metrics));
  loop on(backend());
  const unsigned line = on.run(among_others(spins(heard)));
  ASSERT_TRUE(heard.wait_for_reports(1));
  expect_blame(heard.reports()[0], line, "stall_by_computing");
  expect_named_within_a_second(heard);
}

TEST_P(watchdog_test, names_the_task_that_waits_for_a_lock) {
  listener heard;
  registry metrics;
  watchdog dog(patient, heard.outputs(&metrics));
  std::mutex contended;
  contended.lock();
  unsigned line = 0;
  std::thread service([&] {
    loop on(backend());
    line = on.run(among_others(locks(contended)));
  });
  const bool reported = heard.wait_for_reports(1);
  contended.unlock();
  service.join();
  ASSERT_TRUE(reported);
  expect_blame(heard.reports()[0], line, "stall_on_a_lock");
  expect_named_within_a_second(heard);
}

// Its own looks are ten seconds apart: it is the loop that wakes it.
constexpr watchdog_options sleepy{.period = 10s, .capture_limit = 10s};

// Long enough to be met by a thread that is woken late, and much shorter than a period.
constexpr duration short_stall = 1s;

TEST_P(watchdog_test, is_woken_by_a_loop_that_stalls_after_turns_and_after_a_rest) {
  listener heard;
  watchdog dog(sleepy, heard.outputs());
  loop on(backend());
  auto turn_then_stall = [](duration rest) -> task<void> {
    const loop& here = *(co_await this_context()).on;
    const instant until = here.turn_time() + 100ms;
    while (here.turn_time() < until) co_await yield();
    std::ignore = co_await delay_for(rest);
    stall_in_the_kernel(short_stall);
    co_await yield();
  };
  on.run(turn_then_stall(0ms));
  EXPECT_EQ(heard.reports().size(), 1U) << "while it lasted";
  on.run(turn_then_stall(100ms));
  EXPECT_EQ(heard.reports().size(), 2U);
}

TEST_P(watchdog_test, goes_on_being_woken_when_another_one_has_ended) {
  listener heard;
  watchdog dog(sleepy, heard.outputs());
  loop on(backend());
  auto end_one_then_stall = []() -> task<void> {
    {
      const watchdog other({.period = 10s, .stall = {.report_after = 10s}});
      std::ignore = co_await delay_for(100ms);
    }
    std::ignore = co_await delay_for(100ms);
    stall_in_the_kernel(short_stall);
    co_await yield();
  };
  on.run(end_one_then_stall());
  EXPECT_EQ(heard.reports().size(), 1U);
}

TEST_P(watchdog_test, looks_from_time_to_time_where_loops_have_no_descriptor_to_wake_it_by) {
  listener heard;
  watchdog dog(sleepy, heard.outputs());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  loop on(backend());
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  on.run(sleeps(short_stall));
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(heard.reports().size(), 1U);
}

TEST_P(watchdog_test, a_loop_that_waits_in_the_kernel_is_idle_and_many_short_turns_are_no_stall) {
  listener heard;
  registry metrics;
  watchdog dog({}, heard.outputs(&metrics));
  loop on(backend());
  on.run(waits(200ms));
  auto turns = []() -> task<void> {
    const loop& here = *(co_await this_context()).on;
    const instant until = here.turn_time() + 200ms;
    while (here.turn_time() < until) co_await yield();
  };
  on.run(turns());
  EXPECT_TRUE(heard.reports().empty());
  EXPECT_TRUE(dog.ready());
  const std::string text = expose(metrics, exposition::prometheus);
  EXPECT_THAT(text, HasSubstr("assay_loop_stalls_total{loop=\"0\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("assay_loop_lag_seconds_bucket{loop=\"0\",le=\"0.0005\"}"));
}

// The loop goes on when the watchdog has said what the test waits for.
task<void> stalls_until_unready(listener& heard, channel<int>& recovered, bool& told) {
  std::ignore = co_await delay_for(1ms);
  told = heard.wait_for_readiness(false);
  std::ignore = co_await recovered.receive();
}

TEST_P(watchdog_test, a_long_stall_makes_it_unready_until_the_loop_has_been_well) {
  listener heard;
  registry metrics;
  watchdog dog({.stall = {.unready_after = 100ms, .recover_after = 50ms}}, heard.outputs(&metrics));
  loop on(backend());
  channel<int> recovered(1);
  bool unready_told = false;
  std::thread other([&] {
    if (!heard.wait_for_readiness(false) || !heard.wait_for_readiness(true)) return;
    on.post([&recovered] { recovered.close(); });
  });
  on.run(stalls_until_unready(heard, recovered, unready_told));
  other.join();
  EXPECT_TRUE(unready_told);
  EXPECT_TRUE(dog.ready());
  const std::string text = expose(metrics, exposition::prometheus);
  EXPECT_THAT(text, HasSubstr("\nassay_loop_stalls_total{loop=\"0\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("\nassay_ready 1\n"));
}

TEST_P(watchdog_test, a_stall_is_one_line_of_json) {
  char path[] = "/tmp/assay-watchdog-XXXXXX";
  const int file = ::mkstemp(path);
  ASSERT_GE(file, 0);
  ::unlink(path);
  {
    json_log log(file);
    watchdog dog(patient, {.log = &log});
    loop on(backend());
    on.run(among_others(sleeps(100ms)));
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (log.counted().written == 0 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
  }
  std::string text(64 * 1024, '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  ::close(file);
  ASSERT_GT(got, 0);
  text.resize(static_cast<std::size_t>(got));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_THAT(text, HasSubstr("\"level\":\"warn\",\"message\":\"the loop is stalled\",\"loop\":0,\"stalled_us\":"));
  EXPECT_THAT(text, HasSubstr("\"request_id\":\"000000000000004d\""));
  EXPECT_THAT(text, HasSubstr("stall_in_the_kernel"));
}

TEST_P(watchdog_test, tells_the_live_tasks_when_a_signal_asks_for_them) {
  char path[] = "/tmp/assay-watchdog-XXXXXX";
  const int file = ::mkstemp(path);
  ASSERT_GE(file, 0);
  ::unlink(path);
  std::promise<void> runs;
  channel<int> told(1);
  loop on(backend());
  auto body = [](std::promise<void>& started, channel<int>& until) -> task<void> {
    started.set_value();
    std::ignore = co_await until.receive();
  };
  {
    json_log log(file, {.least = level::warn});
    watchdog dog({.task_dump_signal = SIGUSR1}, {.log = &log});
    std::thread asker([&] {
      runs.get_future().wait();
      ::raise(SIGUSR1);
      const auto limit = std::chrono::steady_clock::now() + 20s;
      while (log.counted().written == 0 && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
      on.post([&told] { told.close(); });
    });
    on.run(body(runs, told));
    asker.join();
  }
  std::string text(4096, '\0');
  const ssize_t got = ::pread(file, text.data(), text.size(), 0);
  ::close(file);
  ASSERT_GT(got, 0);
  text.resize(static_cast<std::size_t>(got));
  EXPECT_THAT(text, HasSubstr("\"message\":\"live task\",\"loop\":0,\"depth\":0,"));
  EXPECT_THAT(text, HasSubstr("\"awaiting\":\"a value from a channel\""));
}

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr int most_percent = 10;  // nothing is optimised there, and everything is checked
#else
constexpr int most_percent = 1;
#endif

TEST_P(watchdog_test, costs_less_than_a_hundredth_of_a_core) {
  registry metrics;
  watchdog dog({}, {.metrics = &metrics});
  loop on(backend());
  on.run(waits(50ms));  // what is made once is made
  const duration before = dog.cpu_time();
  const instant began = on.now();
  on.run(waits(500ms));
  const duration used = dog.cpu_time() - before;
  const duration lasted = on.now() - began;
  EXPECT_GT(used, 0ns);
  EXPECT_LT(used * 100, lasted * most_percent) << used.count() << " ns";
  RecordProperty("watchdog_cpu_ppm", static_cast<int>(used * 1'000'000 / lasted));

  const std::chrono::duration<double> told(exposed(metrics, "assay_watchdog_cpu_seconds_total"));
  EXPECT_GT(told, before) << "as of its last look";
  EXPECT_LE(told, dog.cpu_time());
}

}  // namespace
}  // namespace assay::observe
