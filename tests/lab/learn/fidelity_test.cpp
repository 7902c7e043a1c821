// From a log to a profile, from the profile to a plan's phase, from the phase to arrivals, from the arrivals to a log:
// are the two alike? In virtual time; prints for each log what the source has, what came back, and the interval of the
// difference.
//
// The service is a function: what it answers, and how much, depends on what it is asked for alone. So statuses and
// sizes come back when the routes, and the popularity of what is behind them, do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <numbers>
#include <numeric>
#include <random>

#include "lab/learn/compare.hpp"
#include "lab/learn/learn.hpp"
#include "lab/learn/text_hash.hpp"
#include "lab/learn/workload_counts.hpp"
#include "lab/load/request_source.hpp"
#include "lab/load/schedule.hpp"
#include "lab/load/stages_like.hpp"
#include "lab/load/zipf.hpp"
#include "lab/plan/binding.hpp"
#include "lab/plan/read.hpp"
#include "lab/report/workload_text.hpp"

namespace assay::learn {
namespace {

using model::likeness;
using model::measure_kind;

constexpr log_time first_midnight = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);
constexpr std::uint64_t items = 500;
constexpr double item_popularity = 0.9;

// A log being written: a request at a time, in order.
class written_log {
 public:
  explicit written_log(std::chrono::microseconds resolution) : resolution_(resolution) {
    facts_.fewest_digits = resolution == std::chrono::seconds(1) ? 0 : 6;
  }
  // Answered by the service that is a function.
  void add(log_time starts, std::string_view target, std::string_view agent) {
    const double drawn = static_cast<double>(text_hash(target) >> 11) * 0x1.0p-53;
    access_line line;
    line.address = "192.0.2.1";
    line.agent = agent;
    line.stamp = starts - starts.time_since_epoch() % resolution_;
    line.method = "GET";
    line.target = target;
    line.status = target == "/never" ? 404 : drawn < 0.1 ? 304 : 200;
    line.bytes = line.status == 200 ? static_cast<std::uint64_t>(400 + 2'000 * -std::log(1 - drawn)) : 0;
    counts_.add(line);
  }
  model::profile profile() {
    model::profile made;
    counts_.describe(made, facts_);
    return made;
  }

 private:
  std::chrono::microseconds resolution_;
  merge_facts facts_;
  workload_counts counts_{{}};
};

// Those who are on the site at a time; the next request is of any of them. Four in ten ask once, the others four times
// or more.
class crowd {
 public:
  std::string next(std::mt19937_64& random) {
    while (there_.size() < at_a_time) {
      const bool once = random() % 10 < 4;
      there_.push_back({.name = ++names_, .left = once ? 1 : 2 + std::geometric_distribution<int>(0.25)(random)});
    }
    visitor& chosen = there_[random() % there_.size()];
    const std::string name = std::to_string(chosen.name);
    if (--chosen.left == 0) {
      std::swap(chosen, there_.back());
      there_.pop_back();
    }
    return name;
  }

 private:
  struct visitor {
    int name = 0;
    int left = 0;
  };
  static constexpr std::size_t at_a_time = 40;
  int names_ = 0;
  std::vector<visitor> there_;
};

std::string asked_for(std::mt19937_64& random) {
  static const load::zipf_law popularity(items, item_popularity);
  const std::uint64_t which = random() % 100;
  if (which >= 95) return "/orders/3/state";
  if (which >= 80) return "/cart";
  if (which >= 50) return "/items";
  load::draw_stream from(random());
  return "/items/" + std::to_string(popularity.draw(from));
}

// A log whose rate is a function of the second.
template <typename Rate>
model::profile source(std::int64_t seconds, unsigned seed, Rate&& rate) {
  std::mt19937_64 random(seed);
  crowd visitors;
  written_log log(std::chrono::microseconds(1));
  for (std::int64_t s = 0; s < seconds; ++s) {
    const double mean = rate(s, random);
    if (mean <= 0) continue;
    std::poisson_distribution<int> law(mean);
    std::vector<std::int64_t> inside(static_cast<std::size_t>(law(random)));
    for (std::int64_t& each : inside) each = static_cast<std::int64_t>(random() % 1'000'000);
    std::ranges::sort(inside);
    for (const std::int64_t us : inside) {
      log.add(first_midnight + std::chrono::seconds(s) + std::chrono::microseconds(us), asked_for(random),
              visitors.next(random));
    }
  }
  return log.profile();
}

// A folder for a binding; gone with it.
class binding_folder {
 public:
  binding_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "assay-fidelity-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~binding_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  binding_folder(const binding_folder&) = delete;
  binding_folder& operator=(const binding_folder&) = delete;

  std::string with(const std::string& binding) const {
    std::ofstream(folder_ / "binding.yaml") << binding;
    return folder_ / "binding.yaml";
  }

 private:
  std::filesystem::path folder_;
};

// Between two requests of a visitor lie some minutes at most.
std::string visitor_of(const model::profile& profile) {
  const double at_a_time = std::clamp(std::round(200 * profile.arrival.mean_per_s), 1.0, 40.0);
  return "{visitor: {like_log: true, at_a_time: " + std::to_string(static_cast<int>(at_a_time)) + "}}";
}

// Each route that needs no data but numbers, and the phase; through the file that `assay plan` writes.
model::plan plan_of(const model::profile& profile, std::string_view like, duration length) {
  std::string routes;
  for (const model::route& each : profile.routes) {
    const auto is_number = [](const model::placeholder& value) { return value.shape == "integer" && value.least; };
    if (each.method != "GET" || each.path.find_first_of("\"\\#") != std::string::npos ||
        !std::ranges::all_of(each.placeholders, is_number)) {
      continue;
    }
    std::string values;
    for (const model::placeholder& value : each.placeholders) {
      values += "      " + value.name + ": {zipf: {low: " + std::to_string(*value.least) +
                ", high: " + std::to_string(*value.greatest) + ", exponent: 1, popularity: profile}}\n";
    }
    routes += "  - route: \"" + each.name() +
              "\"\n    headers: {user-agent: \"{visitor}\"}\n    values:\n      visitor: " + visitor_of(profile) +
              "\n" + values;
  }
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(length).count();
  const std::string rate = std::to_string(profile.arrival.mean_per_s);
  const std::string binding = "name: fidelity\nseed: 3\nsmallest_share: 1\nbaseline_rate: " + rate +
                              "\ncandidates: [{name: any, url: \"http://127.0.0.1:9\"}]\nroutes:\n" + routes +
                              "phases:\n  - {name: again, kind: steady, rate: " + rate +
                              ", length: " + std::to_string(seconds) + "s, like_log: " + std::string(like) + "}\n";
  const binding_folder folder;
  const auto bound = plan::bind_profile(profile, folder.with(binding), {});
  EXPECT_TRUE(bound) << bound.error() << '\n' << binding;
  if (!bound) return {};
  const auto read = plan::decode_plan("fidelity.plan.yaml", plan::plan_yaml(bound->plan, bound->notes, "/"));
  EXPECT_TRUE(read) << read.error();
  return read.value_or(model::plan{});
}

std::string_view between(std::string_view bytes, std::string_view before, char after) {
  bytes.remove_prefix(std::min(bytes.find(before) + before.size(), bytes.size()));
  return bytes.substr(0, bytes.find(after));
}

// What is asked for when the plan is run, and what the service answers.
model::profile regenerated(const model::profile& from, const std::vector<model::bound_route>& routes,
                           const load::stage& stage) {
  constexpr std::uint64_t seed = 5;
  const auto requests = load::request_source::create(routes, "shop", seed);
  EXPECT_TRUE(requests) << requests.error();
  written_log log(from.resolution == "1 s" ? std::chrono::seconds(1) : std::chrono::microseconds(1));
  const std::vector<load::stage> stages{stage};
  load::arrival_schedule schedule({.law = model::arrival_law::poisson, .seed = seed, .stages = stages});
  load::request_source::draft bytes;
  const auto begins = std::chrono::floor<std::chrono::days>(from.arrival.first);
  for (std::uint64_t k = 0; schedule.peek() < stage.length; ++k, schedule.pop()) {
    const load::arrival_number at{.thread = 0, .k = k};
    const std::string_view sent = requests->render(requests->route_of(at), at, bytes);
    log.add(begins + std::chrono::floor<std::chrono::microseconds>(schedule.peek()), between(sent, "GET ", ' '),
            between(sent, "user-agent: ", '\r'));
  }
  return log.profile();
}

model::workload_comparison compared(const std::string& name, const model::profile& from, const model::profile& back) {
  const auto made = compare_workloads(from, name, back, "regenerated from its profile");
  EXPECT_TRUE(made) << made.error();
  return made.value_or(model::workload_comparison{});
}

duration length_of(const model::profile& of) { return of.arrival.last - of.arrival.first + std::chrono::seconds(1); }

model::workload_comparison there_and_back(const std::string& name, const model::profile& from, std::string_view like,
                                          duration length) {
  const model::plan plan = plan_of(from, like, length);
  const load::stage stage = load::stage_of(plan.phases.at(0), 0, plan.seed);
  const auto made = compared(name, from, regenerated(from, plan.workload, stage));
  std::cout << report::workload_text(made) << '\n';
  return made;
}

std::vector<std::string> named_as(const model::workload_comparison& in, likeness verdict) {
  std::vector<std::string> names;
  for (const auto& each : in.measures) {
    if (each.verdict == verdict)
      names.push_back(std::string(label(each.kind)) + (each.of.empty() ? "" : " " + each.of));
  }
  return names;
}

double steady(std::int64_t, std::mt19937_64&) { return 5; }

// A burst now and then, of some seconds and eight times the rate.
struct bursts {
  std::int64_t until = 0;
  double operator()(std::int64_t s, std::mt19937_64& random) {
    if (s >= until && random() % 60 == 0) {
      until = s + 1 + static_cast<std::int64_t>(std::exponential_distribution<double>(1.0 / 8)(random));
    }
    return s < until ? 24 : 3;
  }
};

double daily(std::int64_t s, std::mt19937_64&) {
  return 2 + 1.5 * std::sin(2 * std::numbers::pi * static_cast<double>(s) / 86'400);
}

TEST(fidelity, of_a_poisson_log) {
  const model::profile from = source(3 * 3600, 1, steady);
  const auto made = there_and_back("Poisson", from, "hour", length_of(from));
  EXPECT_THAT(named_as(made, likeness::differs), testing::IsEmpty());
  EXPECT_THAT(named_as(made, likeness::same),
              testing::IsSupersetOf({"rate", "route GET /items", "status 304", "bytes p50", "gaps short", "gaps long",
                                     "dispersion 1 s", "peak 1 s", "session_length", "short_sessions"}));
}

TEST(fidelity, of_a_bursty_log) {
  const model::profile from = source(6 * 3600, 2, bursts{});
  ASSERT_GT(from.arrival.dispersion.at(10), 20) << "it is bursty";
  const auto made = there_and_back("bursty", from, "hour", length_of(from));
  EXPECT_THAT(named_as(made, likeness::differs), testing::IsEmpty());
  EXPECT_THAT(named_as(made, likeness::same),
              testing::IsSupersetOf({"rate", "route GET /items", "status 304", "bytes p50", "gaps short", "gaps long",
                                     "dispersion 1 s", "dispersion 10 s", "dispersion 60 s", "peak 10 s", "peak 60 s",
                                     "session_length", "short_sessions"}));
}

// An hour of it alone; its measures are less sure.
TEST(fidelity, of_an_hour_of_a_bursty_log) {
  const model::profile from = source(6 * 3600, 2, bursts{});
  const auto made = there_and_back("bursty", from, "hour", std::chrono::hours(1));
  EXPECT_THAT(named_as(made, likeness::differs), testing::IsEmpty());
  EXPECT_THAT(named_as(made, likeness::same),
              testing::IsSupersetOf({"route GET /items", "gaps short", "dispersion 1 s", "dispersion 10 s",
                                     "session_length", "short_sessions"}));
}

TEST(fidelity, of_a_daily_cycle) {
  const model::profile from = source(24 * 3600, 3, daily);
  const auto made = there_and_back("daily cycle", from, "day", length_of(from));
  EXPECT_THAT(named_as(made, likeness::differs), testing::IsEmpty());
  EXPECT_THAT(named_as(made, likeness::same),
              testing::IsSupersetOf({"rate", "route GET /items", "gaps long", "dispersion 1 s", "dispersion 10 s",
                                     "bytes p50", "session_length", "short_sessions"}));
}

// The worst minute is sent as it was: as many requests, and as crowded.
TEST(fidelity, of_the_worst_minute) {
  const model::profile from = source(6 * 3600, 2, bursts{});
  const auto& minute = from.arrival.worst_minute;
  ASSERT_EQ(minute.size(), 60U);
  const model::plan plan = plan_of(from, "worst-minute", std::chrono::minutes(1));
  model::phase phase = plan.phases.at(0);
  phase.rate_per_s = static_cast<double>(std::accumulate(minute.begin(), minute.end(), std::uint64_t{0})) / 60;
  const load::stage stage = load::stage_of(phase, 0, plan.seed);
  ASSERT_EQ(stage.course.size(), 60U);
  for (std::size_t s = 0; s < 60; ++s) {
    EXPECT_NEAR(stage.course[s], static_cast<double>(minute[s]), 1e-9) << s;
  }
}

TEST(fidelity, is_not_had_by_poisson_arrivals_alone) {
  const model::profile from = source(6 * 3600, 2, bursts{});
  const model::plan plan = plan_of(from, "hour", length_of(from));
  const load::stage flat{.rate_per_s = from.arrival.mean_per_s, .length = std::chrono::hours(6)};
  const auto made = compared("bursty", from, regenerated(from, plan.workload, flat));
  EXPECT_THAT(named_as(made, likeness::differs),
              testing::IsSupersetOf({"dispersion 1 s", "dispersion 10 s", "peak 10 s"}));
}

// Nor are the sizes, by items that are all alike likely; nor the sessions, by one visitor.
TEST(fidelity, is_not_had_without_popularity_and_visitors) {
  const model::profile from = source(6 * 3600, 4, steady);
  model::plan plan = plan_of(from, "hour", length_of(from));
  for (model::bound_route& route : plan.workload) {
    for (auto& [name, value] : route.values) {
      if (name == "visitor") {
        value.from = model::value_source::kind::constant;
        value.text = "one";
      }
      if (name == "id") value.from = model::value_source::kind::integer;
    }
  }
  const auto made =
      compared("steady", from, regenerated(from, plan.workload, load::stage_of(plan.phases.at(0), 0, plan.seed)));
  EXPECT_THAT(named_as(made, likeness::same), testing::Not(testing::Contains("session_length")));
  EXPECT_THAT(named_as(made, likeness::same), testing::Not(testing::IsSupersetOf({"status 304", "bytes p50"})));
}

// Of a log of real life nobody knows what the service would answer to other paths, so that is not compared; and routes
// whose values are no numbers, or that were never found, are not sent.
void keep_what_is_sent(model::profile& of) {
  std::erase_if(of.measures, [](const model::measure& each) {
    return each.kind == measure_kind::status || each.kind == measure_kind::bytes || each.kind == measure_kind::route;
  });
}

// Where a folder of real logs is at hand.
TEST(fidelity, of_a_real_log) {
  const char* folder = std::getenv("ASSAY_SAMPLE_LOGS");
  const std::filesystem::path path = std::filesystem::path(folder != nullptr ? folder : "") / "apache_combined_10k.log";
  if (folder == nullptr || !std::filesystem::exists(path)) {
    std::cout << "no real log: ASSAY_SAMPLE_LOGS names no folder with " << path.filename() << '\n';
    return;
  }
  auto from = learn({.files = {path}, .routes = {}});
  ASSERT_TRUE(from) << from.error();
  ASSERT_FALSE(from->arrival.hour_of_day.empty());
  const model::plan plan = plan_of(*from, "day", std::chrono::days(1));
  auto back = regenerated(*from, plan.workload, load::stage_of(plan.phases.at(0), 0, plan.seed));
  keep_what_is_sent(*from);
  keep_what_is_sent(back);
  const auto made = compared("real", *from, back);
  std::cout << report::workload_text(made) << '\n';
  EXPECT_THAT(named_as(made, likeness::differs), testing::IsEmpty());
  EXPECT_THAT(named_as(made, likeness::same),
              testing::IsSupersetOf({"dispersion 1 s", "dispersion 10 s", "dispersion 60 s", "session_length"}));
}

}  // namespace
}  // namespace assay::learn
