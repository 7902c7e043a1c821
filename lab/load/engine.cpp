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
  judge_validity(merged);
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
