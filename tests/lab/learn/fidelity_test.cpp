// From a log to a profile, from the profile to arrivals, from the arrivals to a log: are the two alike? In virtual
// time; prints for each log what the source has, what came back, and the interval of the difference.
//
// Compared is what the sender decides: rate, mix, gaps, bursts, peaks. Statuses and sizes are the service's, and the
// open model has no sessions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <numbers>
#include <random>

#include "lab/learn/compare.hpp"
#include "lab/learn/learn.hpp"
#include "lab/learn/workload_counts.hpp"
#include "lab/load/request_source.hpp"
#include "lab/load/schedule.hpp"
#include "lab/load/stages_like.hpp"
#include "lab/report/workload_text.hpp"

namespace assay::learn {
namespace {

using model::likeness;
using model::measure_kind;

constexpr log_time first_midnight = std::chrono::sys_days(std::chrono::year(2026) / 11 / 16);

// A log being written: a request at a time, in order.
class written_log {
 public:
  explicit written_log(std::chrono::microseconds resolution) : resolution_(resolution) {
    facts_.fewest_digits = resolution == std::chrono::seconds(1) ? 0 : 6;
  }
  void add(log_time starts, std::string_view target, int status = 200) {
    access_line line;
    line.address = "192.0.2.1";
    line.stamp = starts - starts.time_since_epoch() % resolution_;
    line.method = "GET";
    line.target = target;
    line.status = status;
    line.bytes = 100;
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

// A log whose rate is a function of the second.
template <typename Rate>
model::profile source(std::int64_t seconds, unsigned seed, Rate&& rate) {
  static constexpr std::array<std::string_view, 4> targets{"/items/17", "/items", "/cart", "/orders/3/state"};
  std::mt19937_64 random(seed);
  std::discrete_distribution<std::size_t> which({0.5, 0.3, 0.15, 0.05});
  written_log log(std::chrono::microseconds(1));
  for (std::int64_t s = 0; s < seconds; ++s) {
    const double mean = rate(s, random);
    if (mean <= 0) continue;
    std::poisson_distribution<int> law(mean);
    std::vector<std::int64_t> inside(static_cast<std::size_t>(law(random)));
    for (std::int64_t& each : inside) each = static_cast<std::int64_t>(random() % 1'000'000);
    std::ranges::sort(inside);
    for (const std::int64_t us : inside) {
      log.add(first_midnight + std::chrono::seconds(s) + std::chrono::microseconds(us), targets[which(random)]);
    }
  }
  return log.profile();
}

// What is asked for, with a value for each placeholder; and what is never found, as often as it was asked for.
std::vector<model::bound_route> routes_of(const model::profile& profile) {
  std::vector<model::bound_route> made;
  double left = static_cast<double>(profile.requests);
  for (const model::route& each : profile.routes) {
    model::bound_route route{.name = each.name(), .method = "GET", .target = each.path};
    route.weight = static_cast<double>(each.requests);
    left -= route.weight;
    for (const model::placeholder& value : each.placeholders) {
      const std::string name = "{" + value.name + "}";
      route.target.replace(route.target.find(name), name.size(), "17");
    }
    made.push_back(std::move(route));
  }
  if (left > 0) made.push_back({.name = "GET /never", .method = "GET", .target = "/never", .weight = left});
  return made;
}

model::profile regenerated(const model::profile& from, const std::vector<load::stage>& stages) {
  const auto routes = routes_of(from);
  constexpr std::uint64_t seed = 5;
  const auto requests = load::request_source::create(routes, "shop", seed);
  EXPECT_TRUE(requests) << requests.error();
  written_log log(from.resolution == "1 s" ? std::chrono::seconds(1) : std::chrono::microseconds(1));
  load::arrival_schedule schedule({.law = model::arrival_law::poisson, .seed = seed, .stages = stages});
  duration length{};
  for (const load::stage& each : stages) length += each.length;
  for (std::uint64_t k = 0; schedule.peek() < length; ++k, schedule.pop()) {
    const model::bound_route& route = routes[requests->route_of({.thread = 0, .k = k})];
    log.add(from.arrival.first + std::chrono::floor<std::chrono::microseconds>(schedule.peek()), route.target,
            route.target == "/never" ? 404 : 200);
  }
  return log.profile();
}

void keep_what_is_sent(model::profile& of) {
  std::erase_if(of.measures, [](const model::measure& each) {
    return each.kind == measure_kind::status || each.kind == measure_kind::bytes ||
           each.kind == measure_kind::session_length || each.kind == measure_kind::short_sessions;
  });
}

model::workload_comparison compared(const std::string& name, model::profile from, model::profile back) {
  keep_what_is_sent(from);
  keep_what_is_sent(back);
  const auto made = compare_workloads(from, name, back, "regenerated from its profile");
  EXPECT_TRUE(made) << made.error();
  return made.value_or(model::workload_comparison{});
}

model::workload_comparison there_and_back(const std::string& name, const model::profile& from) {
  const duration length = from.arrival.last - from.arrival.first + std::chrono::seconds(1);
  const auto made = compared(name, from, regenerated(from, load::stages_like(from.arrival, length, 3)));
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
  const auto made = there_and_back("Poisson", source(3 * 3600, 1, steady));
  EXPECT_THAT(named_as(made, likeness::differs), testing::IsEmpty());
  EXPECT_THAT(named_as(made, likeness::same), testing::IsSupersetOf({"rate", "route GET /items", "gaps short",
                                                                     "gaps long", "dispersion 1 s", "peak 1 s"}));
}

TEST(fidelity, of_a_bursty_log) {
  const model::profile from = source(6 * 3600, 2, bursts{});
  ASSERT_GT(from.arrival.dispersion.at(10), 20) << "it is bursty";
  const auto made = there_and_back("bursty", from);
  EXPECT_THAT(named_as(made, likeness::differs), testing::IsEmpty());
  EXPECT_THAT(named_as(made, likeness::same), testing::IsSupersetOf({"route GET /items", "gaps short", "gaps long",
                                                                     "dispersion 1 s", "dispersion 10 s"}));
}

TEST(fidelity, of_a_daily_cycle) {
  const auto made = there_and_back("daily cycle", source(24 * 3600, 3, daily));
  EXPECT_THAT(named_as(made, likeness::differs), testing::IsEmpty());
  EXPECT_THAT(named_as(made, likeness::same),
              testing::IsSupersetOf({"rate", "route GET /items", "gaps long", "dispersion 1 s", "dispersion 10 s"}));
}

TEST(fidelity, is_not_had_by_poisson_arrivals_alone) {
  const model::profile from = source(6 * 3600, 2, bursts{});
  const std::vector<load::stage> flat{{.rate_per_s = from.arrival.mean_per_s, .length = std::chrono::hours(6)}};
  const auto made = compared("bursty", from, regenerated(from, flat));
  EXPECT_THAT(named_as(made, likeness::differs),
              testing::IsSupersetOf({"dispersion 1 s", "dispersion 10 s", "peak 10 s"}));
}

// Where a folder of real logs is at hand.
TEST(fidelity, of_a_real_log) {
  const char* folder = std::getenv("ASSAY_SAMPLE_LOGS");
  const std::filesystem::path path = std::filesystem::path(folder != nullptr ? folder : "") / "apache_combined_10k.log";
  if (folder == nullptr || !std::filesystem::exists(path)) {
    std::cout << "no real log: ASSAY_SAMPLE_LOGS names no folder with " << path.filename() << '\n';
    return;
  }
  const auto from = learn({.files = {path}, .routes = {}});
  ASSERT_TRUE(from) << from.error();
  const auto made = there_and_back("real", *from);
  EXPECT_THAT(named_as(made, likeness::differs), testing::Not(testing::Contains("rate")));
  EXPECT_THAT(named_as(made, likeness::differs), testing::Each(testing::Not(testing::StartsWith("route"))));
}

}  // namespace
}  // namespace assay::learn
