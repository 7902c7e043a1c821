#include "lab/load/workload_engine.hpp"

#include <algorithm>
#include <cassert>

#include "lab/load/crew.hpp"
#include "lab/load/workload_result.hpp"
#include "stack/runtime/clock.hpp"

namespace assay::load {

struct workload_engine::state {
  state(workload given, std::vector<model::phase> planned, std::function<void(instant)> on_start)
      : work(std::move(given)), phases(std::move(planned)), threads(work, std::move(on_start)) {
    assert(phases.size() == work.stages.size());
  }

  workload work;
  std::vector<model::phase> phases;
  crew threads;
};

workload_engine::workload_engine(workload work, std::vector<model::phase> phases,
                                 std::function<void(instant start)> on_start)
    : state_(std::make_unique<state>(std::move(work), std::move(phases), std::move(on_start))) {}
workload_engine::~workload_engine() = default;

std::expected<workload_result, std::string> workload_engine::run() {
  const auto outcomes = state_->threads.run();
  if (!outcomes) return std::unexpected(outcomes.error());
  return merge_threads({.work = state_->work,
                        .phases = state_->phases,
                        .series = state_->threads.series(),
                        .start = *state_->threads.start(),
                        .interrupted = state_->threads.stopped()},
                       *outcomes);
}

void workload_engine::stop() { state_->threads.stop(); }

duration workload_engine::phase_offset(std::size_t index) const {
  assert(index <= state_->phases.size());
  duration offset{};
  for (std::size_t i = 0; i < index; ++i) offset += state_->phases[i].length;
  return offset;
}

workload_view workload_engine::look() const {
  workload_view view;
  for (const live_counters& each : state_->threads.live()) {
    view.offered += each.offered.load(std::memory_order_relaxed);
    view.answers += each.answers.load(std::memory_order_relaxed);
    view.errors += each.errors.load(std::memory_order_relaxed);
  }
  view.last = state_->threads.series().last();
  const std::optional<instant> start = state_->threads.start();
  if (!start) return view;
  view.elapsed = std::max(duration::zero(), detail::monotonic_now() - *start);
  while (view.phase + 1 < state_->phases.size() && phase_offset(view.phase + 1) <= view.elapsed) view.phase++;
  view.behind = state_->threads.behind();
  return view;
}

}  // namespace assay::load
