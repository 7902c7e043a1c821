#include "lab/judge/growth_findings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lab/judge/diagnose.hpp"

namespace assay::judge {
namespace {

using model::cause;

constexpr double judged_for_s = 40;

// Of a service that leaks nothing: four looks a second at its processes, one at its runtime.
class growing_service {
 public:
  growing_service() {
    for (int i = 0; i <= 4 * judged_for_s; ++i) {
      processes.push_back(
          {.at_s = 0.25 * i, .anonymous_bytes = 40'000'000, .threads = 6, .descriptors = 20, .sockets = 8, .files = 5});
    }
  }

  // So many a second of tasks that wait at one place, beside a few that come and go.
  void leak_tasks(double per_s) {
    for (unsigned i = 0; i <= judged_for_s; ++i) {
      looks.push_back(
          {.at_s = 0.1 + i,
           .active = {{"serve at web.py:20", 4 + i % 3}, {"news at app.py:9", static_cast<std::uint64_t>(per_s * i)}}});
    }
  }
  void leak_memory(double bytes_per_s) {
    for (auto& each : processes) each.anonymous_bytes += static_cast<std::uint64_t>(bytes_per_s * each.at_s);
  }
  void leak(unsigned model::process_second::* what, double per_s) {
    for (auto& each : processes) each.*what += static_cast<unsigned>(per_s * each.at_s);
  }

  model::diagnosis judged() const {
    model::diagnosis made;
    add_growth(made, {.processes = processes, .runtime_looks = looks, .limits = limits});
    return made;
  }

  std::vector<model::process_second> processes;
  std::vector<model::runtime_look> looks;
  model::resource_limits limits;
};

double figure_of(const model::named_cause& of, const std::string& name) {
  const auto found = std::ranges::find(of.numbers, name, &model::evidence::name);
  return found == of.numbers.end() ? -1 : found->value;
}

std::vector<cause> kinds_of(const model::diagnosis& of) {
  std::vector<cause> made;
  for (const auto& each : of.findings) made.push_back(each.kind);
  return made;
}

TEST(growth_findings, a_service_that_is_fine_has_none) {
  growing_service service;
  service.leak_tasks(0);
  EXPECT_TRUE(service.judged().findings.empty());
  EXPECT_TRUE(service.judged().remarks.empty());
}

TEST(growth_findings, tasks_that_never_end_are_a_leak_of_their_own) {
  growing_service service;
  service.leak_tasks(5);
  const auto made = service.judged();
  ASSERT_EQ(kinds_of(made), std::vector{cause::task_leak});
  EXPECT_NEAR(figure_of(made.findings[0], "slope_count_per_hour"), 5 * 3600, 100);
  EXPECT_TRUE(made.findings[0].text.starts_with("asyncio tasks grew by ")) << made.findings[0].text;
  for (auto& each : service.looks) each.heap_limit_bytes = 1;
  EXPECT_TRUE(service.judged().findings[0].text.starts_with("active resources of Node.js grew by "));
}

// Where nothing changes the shim says nothing: what it said last holds on.
TEST(growth_findings, tasks_that_stopped_to_come_are_no_leak) {
  growing_service service;
  service.leak_tasks(5);
  service.looks.resize(28);
  const auto made = service.judged();
  EXPECT_TRUE(made.findings.empty());
  ASSERT_EQ(made.remarks.size(), 1U);
  EXPECT_NE(made.remarks[0].find("asyncio tasks grew and has stopped"), std::string::npos) << made.remarks[0];
}

TEST(growth_findings, too_few_looks_at_tasks_are_told_as_such) {
  growing_service service;
  service.leak_tasks(5);
  std::erase_if(service.processes, [](const auto& each) { return each.at_s > 20; });
  const auto made = service.judged();
  EXPECT_TRUE(made.findings.empty());
  EXPECT_EQ(made.remarks, std::vector<std::string>{"too few looks to tell growth of asyncio tasks"});
}

TEST(growth_findings, memory_that_the_tasks_may_hold_is_told_with_them) {
  growing_service service;
  service.leak_tasks(5);
  service.leak_memory(100'000);
  const auto made = service.judged();
  ASSERT_EQ(kinds_of(made), std::vector{cause::task_leak});
  EXPECT_NE(made.findings[0].text.find("; anonymous memory grew with them, 20.0 kB each, 360 MB an hour"),
            std::string::npos)
      << made.findings[0].text;
  EXPECT_NEAR(figure_of(made.findings[0], "slope_mb_per_hour"), 360, 4);
}

TEST(growth_findings, memory_that_tasks_cannot_hold_is_a_leak_beside_them) {
  growing_service service;
  service.leak_tasks(2);
  service.leak_memory(5'000'000);
  EXPECT_EQ(kinds_of(service.judged()), (std::vector{cause::task_leak, cause::memory_leak}));
}

TEST(growth_findings, threads_that_never_end_are_a_leak_of_their_own) {
  growing_service service;
  service.leak(&model::process_second::threads, 3);
  service.limits.threads = {.of = "the limit of tasks of its control group", .limit = 1126, .used = 126};
  const auto made = service.judged();
  ASSERT_EQ(kinds_of(made), std::vector{cause::thread_leak});
  EXPECT_TRUE(made.findings[0].text.starts_with("running threads grew by ")) << made.findings[0].text;
  EXPECT_NEAR(figure_of(made.findings[0], "time_to_limit_h"), 1000 / 3.0 / 3600, 0.002);
}

TEST(growth_findings, a_pool_of_threads_that_fills_is_none) {
  growing_service service;
  for (auto& each : service.processes) each.threads += std::min(20U, static_cast<unsigned>(each.at_s));
  EXPECT_TRUE(service.judged().findings.empty());
}

TEST(growth_findings, tasks_with_a_socket_each_are_the_leak_of_the_sockets) {
  growing_service service;
  service.leak_tasks(2);
  service.leak(&model::process_second::descriptors, 2);
  service.leak(&model::process_second::sockets, 2);
  EXPECT_EQ(kinds_of(service.judged()), std::vector{cause::socket_leak});
  service.looks.clear();
  service.leak_tasks(10);
  EXPECT_EQ(kinds_of(service.judged()), (std::vector{cause::task_leak, cause::socket_leak})) << "five times as many";
}

TEST(growth_findings, threads_with_a_socket_each_are_told_with_the_sockets) {
  growing_service service;
  for (const auto what :
       {&model::process_second::threads, &model::process_second::descriptors, &model::process_second::sockets}) {
    service.leak(what, 2);
  }
  const auto made = service.judged();
  ASSERT_EQ(kinds_of(made), std::vector{cause::socket_leak});
  EXPECT_NE(made.findings[0].text.find("; running threads grew with them"), std::string::npos) << made.findings[0].text;
}

TEST(growth_findings, descriptors_are_of_a_kind) {
  growing_service service;
  service.leak(&model::process_second::descriptors, 2);
  service.leak(&model::process_second::files, 2);
  const auto made = service.judged();
  ASSERT_EQ(kinds_of(made), std::vector{cause::descriptor_leak});
  EXPECT_NE(made.findings[0].text.find("; most of them are files"), std::string::npos) << made.findings[0].text;
}

TEST(growth_findings, a_leak_tells_when_its_limit_is_reached) {
  growing_service service;
  service.leak_memory(1'000'000);
  EXPECT_EQ(figure_of(service.judged().findings[0], "time_to_limit_h"), -1) << "none is known";
  service.limits.memory = {.of = "the memory limit of its control group", .limit = 4'000'000'000, .used = 400'000'000};
  const auto found = service.judged().findings.at(0);
  EXPECT_NEAR(figure_of(found, "time_to_limit_h"), 1, 0.01);
  EXPECT_LE(figure_of(found, "time_to_limit_h_low"), figure_of(found, "time_to_limit_h"));
  EXPECT_GE(figure_of(found, "time_to_limit_h_high"), figure_of(found, "time_to_limit_h"));
  EXPECT_NE(found.text.find("; the memory limit of its control group, 4000 MB, is reached in 1 h at this rate (95 %: "),
            std::string::npos)
      << found.text;
}

TEST(growth_findings, of_two_limits_the_one_that_is_nearer_in_time_is_told) {
  growing_service service;
  service.leak_memory(1'000'000);
  service.limits.memory = {.of = "the memory limit of its control group", .limit = 8'000'000'000, .used = 0};
  for (unsigned i = 0; i <= judged_for_s; ++i) {  // the heap under its collector
    service.looks.push_back({.at_s = 0.1 + i,
                             .heap_used_bytes = 20'000'000 + 1'000'000 * std::uint64_t{i} + 300'000 * (i % 3),
                             .heap_limit_bytes = 1'000'000'000,
                             .active = {{"Timeout", 1}}});
  }
  const auto found = service.judged().findings.at(0);
  EXPECT_NE(found.text.find("; V8's limit of its heap, 1000 MB, is reached in 0.2"), std::string::npos) << found.text;
  EXPECT_NEAR(figure_of(found, "time_to_limit_h"), 940e6 / 1e6 / 3600, 0.02);
}

TEST(growth_findings, of_several_processes_the_limit_is_that_of_the_fullest) {
  growing_service service;
  service.leak(&model::process_second::descriptors, 4);
  // 180 of them at the last look: half are the one's that has 1,000 left.
  service.limits.descriptors = {.of = "the limit of open files", .limit = 1090, .used = 90};
  EXPECT_NEAR(figure_of(service.judged().findings.at(0), "time_to_limit_h"), 1000 / 2.0 / 3600, 0.003);
}

TEST(growth_findings, stand_in_the_verdict_on_a_service) {
  growing_service service;
  service.leak_tasks(5);
  service.leak_memory(100'000);
  service.limits.memory = {.of = "the memory limit of its control group", .limit = 400'000'000, .used = 40'000'000};
  const auto made = diagnose(symptoms{.length_s = judged_for_s,
                                      .processes = service.processes,
                                      .lag = {.quality = model::lag_quality::traced, .utilisation = 0.3},
                                      .runtime_looks = service.looks,
                                      .limits = service.limits});
  EXPECT_EQ(made.verdict, cause::task_leak);
  EXPECT_NEAR(figure_of(made.findings.at(0), "time_to_limit_h"), 1, 0.02);
}

TEST(growth_findings, stand_in_the_verdict_on_a_trial) {
  growing_service service;
  service.leak_memory(100'000);
  model::trial trial{.repeat = 1};
  trial.phases.resize(1);
  trial.phases[0].name = "load";
  trial.phases[0].length_s = judged_for_s;
  trial.processes = service.processes;
  trial.limits.memory = {.of = "the memory limit of its control group", .limit = 400'000'000, .used = 40'000'000};
  trial.lag.push_back({.phase = "load", .quality = model::lag_quality::traced, .utilisation = 0.3});
  const auto made = diagnose(trial);
  EXPECT_EQ(made.verdict, cause::memory_leak);
  EXPECT_NEAR(figure_of(made.findings.at(0), "time_to_limit_h"), 1, 0.02);
}

}  // namespace
}  // namespace assay::judge
