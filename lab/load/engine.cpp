#include "lab/load/engine.hpp"

#include <algorithm>

#include "lab/load/crew.hpp"
#include "lab/load/load_merge.hpp"
#include "stack/runtime/clock.hpp"

namespace assay::load {

struct load_engine::state {
  explicit state(load_plan given) : plan(std::move(given)), work(workload_of(plan)), threads(work) {}

  load_plan plan;
  workload work;
  crew threads;
};

load_engine::load_engine(load_plan plan) : state_(std::make_unique<state>(std::move(plan))) {}
load_engine::~load_engine() = default;

std::expected<model::load_result, std::string> load_engine::run() {
  const auto outcomes = state_->threads.run();
  if (!outcomes) return std::unexpected(outcomes.error());
  return merge_load({.plan = state_->plan,
                     .work = state_->work,
                     .series = &state_->threads.series(),
                     .start = *state_->threads.start(),
                     .interrupted = state_->threads.stopped(),
                     .windows = &state_->threads.windows()},
                    *outcomes);
}

void load_engine::stop() { state_->threads.stop(); }

live_view load_engine::look() const {
  live_view view;
  for (const live_counters& each : state_->threads.live()) {
    view.offered += each.offered.load(std::memory_order_relaxed);
    view.answers += each.answers.load(std::memory_order_relaxed);
    view.errors += each.errors.load(std::memory_order_relaxed);
    view.cpu.push_back(cpu_of(each));
  }
  view.last = state_->threads.series().last();
  if (const std::optional<instant> start = state_->threads.start()) {
    view.elapsed = std::max(duration::zero(), detail::monotonic_now() - *start);
    view.due = state_->work.arrivals_expected(view.elapsed);
    view.behind = state_->threads.behind();
  }
  return view;
}

std::size_t load_engine::seconds() const { return state_->threads.series().size(); }

std::optional<model::live_second> load_engine::second(std::size_t index) const {
  return told_second(state_->threads.series(), index, state_->work.length());
}

bool load_engine::is_gone(std::size_t index) const { return state_->threads.series().is_gone(index); }

}  // namespace assay::load
