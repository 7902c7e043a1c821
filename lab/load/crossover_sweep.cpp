#include "lab/load/crossover_sweep.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lab/load/span.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::load {
namespace {

void take_run(model::crossover_side& into, const model::load_result& seen) {
  if (!seen.valid) {
    into.invalid++;
    into.why_invalid = seen.reasons.empty() ? std::string() : seen.reasons.front();
    return;
  }
  into.good_rps.push_back(seen.good_rps);
  const auto p99_ns = observe::estimated_quantile(seen.latency.service_time, 0.99);
  if (p99_ns) into.p99_ms.push_back(static_cast<double>(*p99_ns) / 1e6);
}

}  // namespace

std::vector<unsigned> crossover_levels(unsigned least, unsigned limit) {
  assert(least > 0 && least <= limit);
  std::vector<unsigned> levels;
  for (std::uint64_t level = 1; level < limit; level *= 2) {
    if (level >= least) levels.push_back(static_cast<unsigned>(level));
  }
  levels.push_back(limit);
  return levels;
}

std::vector<crossover_turn> crossover_order(std::size_t levels, unsigned repeats) {
  std::vector<crossover_turn> order;
  for (unsigned repeat = 0; repeat < repeats; ++repeat) {
    for (std::size_t level = 0; level < levels; ++level) {
      const std::size_t first = (repeat + level) % 2;
      order.push_back({.level = level, .side = first});
      order.push_back({.level = level, .side = 1 - first});
    }
  }
  return order;
}

crossover_sweep::crossover_sweep(load_options base, std::array<std::string, 2> urls, const crossover_options& sweep,
                                 run_listener on_run)
    : base_(std::move(base)), sweep_(sweep), on_run_(std::move(on_run)) {
  found_.urls = std::move(urls);
  found_.run_length_s = in_seconds(base_.length);
  found_.repeats = sweep.repeats;
  for (const unsigned level : crossover_levels(base_.threads, base_.connections)) {
    found_.levels.push_back({.connections = level});
  }
}

std::expected<model::load_result, std::string> crossover_sweep::run_once(unsigned connections, std::size_t side) {
  load_options options = base_;
  options.url = found_.urls[side];
  options.connections = connections;
  auto plan = normalize(std::move(options));
  if (!plan) return std::unexpected(plan.error());
  load_engine engine(std::move(*plan));
  {
    const std::lock_guard lock(mutex_);
    running_ = &engine;
    if (stopping_) engine.stop();
  }
  auto measured = engine.run();
  const std::lock_guard lock(mutex_);
  running_ = nullptr;
  return measured;
}

std::expected<model::crossover_result, std::string> crossover_sweep::run() {
  for (const crossover_turn& turn : crossover_order(found_.levels.size(), sweep_.repeats)) {
    model::crossover_level& level = found_.levels[turn.level];
    const auto seen = run_once(level.connections, turn.side);
    found_.interrupted = stopping();
    if (found_.interrupted) break;
    if (!seen) return std::unexpected(seen.error());
    take_run(level.sides[turn.side], *seen);
    if (on_run_) on_run_(level.connections, turn.side, *seen);
  }
  return found_;
}

bool crossover_sweep::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void crossover_sweep::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  if (running_ != nullptr) running_->stop();
}

}  // namespace assay::load
