#include "lab/load/engine.hpp"

#include <algorithm>
#include <cmath>

#include "lab/load/crew.hpp"
#include "lab/load/verdict.hpp"
#include "stack/runtime/socket_setup.hpp"

namespace assay::load {

struct load_engine::state {
  explicit state(load_plan given) : plan(std::move(given)), work(workload_of(plan)), threads(work) {}

  model::load_result merge(const std::vector<thread_outcome>& outcomes) const;
  std::vector<model::load_stage> merge_stages(const std::vector<thread_outcome>& outcomes, duration measured) const;

  load_plan plan;
  workload work;
  crew threads;
};

load_engine::load_engine(load_plan plan) : state_(std::make_unique<state>(std::move(plan))) {}
load_engine::~load_engine() = default;

model::load_result load_engine::state::merge(const std::vector<thread_outcome>& outcomes) const {
  model::load_result merged;
  const load_options& options = plan.options;
  merged.url = options.url;
  merged.method = options.method;
  merged.model = work.model;
  merged.arrivals = options.arrivals;
  merged.seed = options.seed;
  merged.connections = options.connections;
  merged.threads = options.threads;
  merged.planned_duration = options.length;
  merged.interrupted = threads.stopped();

  recorder sum;
  for (const thread_outcome& each : outcomes) {
    sum.merge(each.measured.total());
    merged.duration = std::max(merged.duration, each.ended - *threads.start());
    merged.offered_requests += each.due;
    merged.io_backend = each.backend;
  }
  const double seconds = std::max(1e-9, std::chrono::duration<double>(merged.duration).count());
  merged.offered_rps = options.rate_per_s;
  merged.achieved_rps = static_cast<double>(sum.answers_within_run) / seconds;
  merged.generator = health_of(outcomes, sum.answers);
  sum.write_to(merged);
  if (work.stages.size() > 1) merged.stages = merge_stages(outcomes, merged.duration);
  judge_validity(merged);
  return merged;
}

std::vector<model::load_stage> load_engine::state::merge_stages(const std::vector<thread_outcome>& outcomes,
                                                                duration measured) const {
  std::vector<model::load_stage> merged;
  duration begin{};
  for (std::size_t i = 0; i < work.stages.size() && begin < measured; begin += work.stages[i++].length) {
    const stage& planned = work.stages[i];
    recorder seen;
    for (const thread_outcome& each : outcomes) seen.merge(each.measured.of(i, 0));
    const double planned_s = std::chrono::duration<double>(planned.length).count();
    merged.push_back({.shape = shape_text(planned),
                      .start_s = std::chrono::duration<double>(begin).count(),
                      .length_s = std::chrono::duration<double>(std::min(planned.length, measured - begin)).count(),
                      .planned_rps = planned.arrivals() / planned_s,
                      .offered = seen.offered,
                      .answered = seen.answers,
                      .errors = seen.errors_by_kind(),
                      .latency = seen.latency});
  }
  return merged;
}

std::expected<model::load_result, std::string> load_engine::run() {
  const auto outcomes = state_->threads.run();
  if (!outcomes) return std::unexpected(outcomes.error());
  return state_->merge(*outcomes);
}

void load_engine::stop() { state_->threads.stop(); }

live_view load_engine::look() const {
  live_view view;
  for (const live_counters& each : state_->threads.live()) {
    view.answers += each.answers.load(std::memory_order_relaxed);
    view.errors += each.errors.load(std::memory_order_relaxed);
  }
  if (const std::optional<instant> start = state_->threads.start()) {
    view.elapsed = std::max(duration::zero(), detail::monotonic_now() - *start);
  }
  return view;
}

}  // namespace assay::load
