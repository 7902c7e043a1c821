// What became of the messages that were meant to be sent in one stage of a run: counts, errors by kind, times.
//
// Constant memory: 1.3 MiB, nearly all of it five histograms, as a recorder has for requests; normalize() bounds how
// many of them a run has (max_stages, and record_memory.hpp). In a broadcast all but due and sent are of deliveries.
//
// Misuse: none.
#pragma once

#include <array>
#include <cstdint>
#include <tuple>

#include "lab/load/recorder.hpp"
#include "lab/model/load_result.hpp"
#include "stack/observe/histogram.hpp"

namespace assay::load {

struct message_tally {
  model::latency_histograms latency;
  observe::histogram own_lag = observe::histogram::with_defaults();
  std::array<std::uint64_t, failure_kinds> errors{};
  std::uint64_t due = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;

  std::uint64_t& of(failure_kind kind) { return errors[static_cast<std::size_t>(kind)]; }
  std::uint64_t of(failure_kind kind) const { return errors[static_cast<std::size_t>(kind)]; }

  void write_to(model::load_stage& into) const {
    into.offered = due;
    into.sent = sent;
    into.answered = received;
    into.own_lag_p99_ns = own_lag.value_at_quantile(0.99);
    into.errors = counts_by_kind(errors);
    into.latency = latency;
  }
  void merge(const message_tally& other) {
    // Every histogram has the default layout, so merging cannot fail.
    std::ignore = latency.response_time.merge(other.latency.response_time);
    std::ignore = latency.service_time.merge(other.latency.service_time);
    std::ignore = latency.send_lag.merge(other.latency.send_lag);
    std::ignore = own_lag.merge(other.own_lag);
    for (std::size_t kind = 0; kind < failure_kinds; ++kind) errors[kind] += other.errors[kind];
    due += other.due;
    sent += other.sent;
    received += other.received;
  }
};

}  // namespace assay::load
