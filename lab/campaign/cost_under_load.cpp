#include "lab/campaign/cost_under_load.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "lab/inside/observer.hpp"
#include "lab/judge/statistics.hpp"

namespace assay::campaign {
namespace {

using namespace std::chrono_literals;

// Whatever else the machine does lasts longer, and falls on both.
constexpr duration stretch = 20ms;
constexpr duration longest = 5s;
constexpr duration settled_before = 300ms;  // the next phase sees nothing of it
constexpr int skipped_part = 5;             // of the warm-up: the first fifth, in which connections are opened
constexpr instant never = instant::max();
constexpr double load_confidence = 0.95;
constexpr double finest = 1e-6;  // of a ratio

// False: it is over.
bool wait_until(instant then, const std::stop_token& over) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, over, then - inside::observer::now(), [] { return false; });
  return !over.stop_requested();
}

}  // namespace

std::expected<model::estimate, std::string> cost_of(std::span<const cost_pair> pairs) {
  if (pairs.size() < least_load_pairs) {
    return std::unexpected(fmt::format("{} pairs were measured, {} are needed", pairs.size(), least_load_pairs));
  }
  cost_pair sum;
  for (const cost_pair& each : pairs) {
    sum.off_cpu_ns += each.off_cpu_ns;
    sum.off_answers += each.off_answers;
    sum.on_cpu_ns += each.on_cpu_ns;
    sum.on_answers += each.on_answers;
  }
  const double least = std::min({sum.off_cpu_ns, sum.off_answers, sum.on_cpu_ns, sum.on_answers});
  if (least <= 0) return std::unexpected("it answered nothing meanwhile");
  const double off_each = sum.off_cpu_ns / sum.off_answers;
  const double on_each = sum.on_cpu_ns / sum.on_answers;
  const auto count = static_cast<double>(pairs.size());
  std::vector<double> errors;  // of the ratio's logarithm, by each pair
  for (const cost_pair& each : pairs) {
    errors.push_back(count * ((each.on_cpu_ns - on_each * each.on_answers) / sum.on_cpu_ns -
                              (each.off_cpu_ns - off_each * each.off_answers) / sum.off_cpu_ns));
  }
  const auto spread = judge::mean_interval(errors, load_confidence, finest);
  const double half = (spread.high - spread.low) / 2;
  const double ratio = on_each / off_each;
  return model::estimate{
      .value = ratio - 1, .low = ratio * std::exp(-half) - 1, .high = ratio * std::exp(half) - 1, .n = spread.n};
}

std::string describe_cost(const model::estimate& of) {
  return fmt::format(
      "{:.2f} % [{:.2f}, {:.2f}] more CPU time an answer, {} pairs of off and on in it under its own load",
      100 * of.value, 100 * of.low, 100 * of.high, of.n);
}

cost_under_load::cost_under_load(std::string probe_directory, const std::vector<model::phase>& phases,
                                 std::function<std::uint64_t()> answers)
    : directory_(std::move(probe_directory)), answers_(std::move(answers)) {
  if (!phases.empty() && phases.front().kind == model::phase_kind::warm_up) warm_up_ = phases.front().length;
  thread_ = std::jthread([this, start = clock_.get_future()](const std::stop_token& over) mutable {
    if (const instant begin = start.get(); begin != never) measure(over, begin);
  });
}

cost_under_load::~cost_under_load() { std::ignore = finish(); }

void cost_under_load::set_clock(instant start) {
  clock_set_ = true;
  clock_.set_value(start);
}

std::optional<cost_under_load::side> cost_under_load::take(inside::probe_switch& probes, bool on,
                                                           const std::stop_token& over) {
  probes.set(on);
  const auto cpu_before = probes.cpu_ns();
  const std::uint64_t answers_before = answers_();
  if (!wait_until(inside::observer::now() + stretch, over)) return std::nullopt;
  const auto cpu_after = probes.cpu_ns();
  if (!cpu_before || !cpu_after) {
    why_not_ = cpu_before ? cpu_after.error() : cpu_before.error();
    return std::nullopt;
  }
  return side{static_cast<double>(*cpu_after - *cpu_before), static_cast<double>(answers_() - answers_before)};
}

void cost_under_load::measure(const std::stop_token& over, instant start) {
  const instant until = start + warm_up_ - settled_before;
  const instant from = std::max(start + warm_up_ / skipped_part, until - longest);
  if (until - from < static_cast<int>(least_load_pairs) * 2 * stretch) {
    why_not_ = fmt::format("the warm-up is too short for {} pairs", least_load_pairs);
    return;
  }
  if (!wait_until(from, over)) return;
  auto probes = inside::probe_switch::open(directory_);
  if (!probes) {
    why_not_ = probes.error();
    return;
  }
  for (bool on_first = false; inside::observer::now() + 2 * stretch <= until; on_first = !on_first) {
    const auto first = take(*probes, on_first, over);
    const auto second = first ? take(*probes, !on_first, over) : std::nullopt;
    if (!second) return;
    const side& off = on_first ? *second : *first;
    const side& on = on_first ? *first : *second;
    pairs_.push_back({off.cpu_ns, off.answers, on.cpu_ns, on.answers});
  }
}

std::expected<model::estimate, std::string> cost_under_load::finish() {
  if (thread_.joinable()) {
    if (!clock_set_) clock_.set_value(never);
    thread_.request_stop();
    thread_.join();
  }
  if (!why_not_.empty()) return std::unexpected(why_not_);
  return cost_of(pairs_);
}

}  // namespace assay::campaign
