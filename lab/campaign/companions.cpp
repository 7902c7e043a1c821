#include "lab/campaign/companions.hpp"

#include <utility>

namespace assay::campaign {

companions::companions(fault::proxy& through, const std::vector<model::phase>& phases, background_place tasks,
                       inside::observer* watching, const std::vector<inside::watched_database>& databases)
    : thread_([this, &through, &phases, &databases, tasks = std::move(tasks), watching,
               clock = clock_.get_future()]() mutable {
        const instant start = clock.get();
        if (start == never) return;
        faults_.emplace(through, phases, start);
        if (!tasks.tasks.empty()) tasks_.emplace(std::move(tasks), phases, start);
        for (const inside::watched_database& each : databases) samplers_.emplace_back(each).start(start);
        if (watching == nullptr) {
          cannot_watch_ = "assay did not start it";
          return;
        }
        const auto watched = watching->start(start);
        cannot_watch_ = watched ? std::string() : watched.error();
      }) {}

companions::~companions() { finish(); }

void companions::set_clock(instant start) {
  clock_set_ = true;
  clock_.set_value(start);
}

void companions::finish() {
  if (!thread_.joinable()) return;
  if (!clock_set_) clock_.set_value(never);
  thread_.join();
  // First: the samplers may wait for a server that hangs, and the load is over.
  if (tasks_) {
    task_events_ = tasks_->finish();
    task_summary_ = tasks_->summary();
    tasks_.reset();
  }
  for (inside::database_sampler& each : samplers_) databases_.push_back(each.finish());
  samplers_.clear();
  if (!faults_) return;
  fault_events_ = faults_->events();
  faults_.reset();
}

}  // namespace assay::campaign
