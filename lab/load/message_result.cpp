// What a generator of messages has measured, as a result.
#include <utility>

#include "lab/load/burst_return.hpp"
#include "lab/load/message_generator.hpp"
#include "lab/load/part_findings.hpp"
#include "lab/load/run_windows.hpp"
#include "lab/load/stage_rows.hpp"

namespace assay::load {

// What the parts say of a run of one even rate, or of each even stage of several. The deliveries of one message are a
// bunch: they have its moment in common.
void message_generator::conclude(model::stream_result& into) const {
  const bool bunched = plan_.kind == model::stream_kind::broadcast;
  duration begin{};
  for (std::size_t i = 0; i < parts_.size() && begin < into.duration; begin += stages_[i++].length) {
    if (parts_[i] == nullptr) continue;
    const stretch length{.planned = stages_[i].length,
                         .measured = into.duration - begin,
                         .asked = plan_.options.gated_quantiles,
                         .bunches = bunched ? ledger_.sent_in(i) : each_its_own};
    if (parts_.size() == 1) {
      conclude_from_parts(*parts_[i], length, into);
    } else {
      conclude_from_parts(*parts_[i], length, into.stages[i]);
    }
  }
}

void message_generator::write_to(model::stream_result& into) const {
  into.duration = end_ - start_;
  into.open_at_end = open_at_end_;
  into.connects = connects_;
  into.reconnects = reconnects_;
  for (const member& each : members_) into.renewals += each.renewals;
  into.connect_time = connect_time_;
  into.answer_time = answer_time_;
  into.bytes_received = received_bytes_;
  into.stages = begun_stages(plan_.options.stages, into.duration);
  ledger_.write_to(into);
  conclude(into);
  if (realised_) {
    const realised_sends* const seen = &*realised_;
    into.arrivals_seen = fit_sends({.law = plan_.options.arrivals, .stages = stages_}, {&seen, 1});
  }
  for (std::size_t i = 0; i < into.stages.size() && target_.series != nullptr; ++i) {
    if (!plan_.options.stages[i].burst_of_per_s) continue;
    into.stages[i].burst = return_after_burst(plan_.options.stages, i, target_.series->seconds(), into.duration);
  }
  if (target_.windows != nullptr) into.windows = target_.windows->outcomes();
  stall_record stalls = ledger_.stalls();
  stalls.saw(stalls_.count(), stalls_.longest(), stalls_.total());
  into.stalls = stalls.concern(into.latency.response_time, plan_.options.gated_quantiles);
  into.generator.own_limits = own_limits_ + connection_errors_[static_cast<std::size_t>(failure_kind::own_limit)];
  into.receive_lag_p99_ns = receive_lag_.value_at_quantile(0.99);
  into.lost_connections = counts_by_kind(connection_errors_);
}

}  // namespace assay::load
