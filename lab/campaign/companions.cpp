#include "lab/campaign/companions.hpp"

namespace assay::campaign {

companions::companions(fault::proxy& through, const std::vector<model::phase>& phases, inside::observer* watching)
    : thread_([this, &through, &phases, watching, clock = clock_.get_future()]() mutable {
        const instant start = clock.get();
        if (start == never) return;
        faults_.emplace(through, phases, start);
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
  if (!faults_) return;
  fault_events_ = faults_->events();
  faults_.reset();
}

}  // namespace assay::campaign
