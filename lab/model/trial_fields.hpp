// The keys of a trial document, each once, for both directions: writer and reader walk the same lists.
//
// `io` is called with a key and the field behind it. A field added to a struct of trial.hpp gets its line here, in
// docs/trial-json.md, and a new trial_version when old documents lack it.
//
// Misuse: including this outside of trial_json.cpp; and naming a key twice in one list.
#pragma once

#include <concepts>
#include <type_traits>

#include "lab/model/trial.hpp"

namespace assay::model::fields_of_trial {

template <typename T, typename Of>
concept is = std::same_as<std::remove_const_t<T>, Of>;

template <typename Io, is<latency_histograms> T>
void fields(Io& io, T& of) {
  io("response_time", of.response_time);
  io("service_time", of.service_time);
  io("send_lag", of.send_lag);
}

template <typename Io, is<route_measurement> T>
void fields(Io& io, T& of) {
  io("route", of.route);
  io("offered", of.offered);
  io("answered", of.answered);
  io("answered_well", of.answered_well);
  io("errors", of.errors);
  io("statuses", of.statuses);
  io("latency", of.latency);
}

template <typename Io, is<phase_measurement> T>
void fields(Io& io, T& of) {
  io("name", of.name);
  io("kind", of.kind);
  io("start_s", of.start_s);
  io("length_s", of.length_s);
  io("offered_rps", of.offered_rps);
  io("valid", of.valid);
  io("reasons", of.reasons);
  io("all", of.all);
  io("routes", of.routes);
}

template <typename Io, is<load_second> T>
void fields(Io& io, T& of) {
  io("at_s", of.at_s);
  io("offered", of.offered);
  io("answered", of.answered);
  io("errors", of.errors);
  io("response_p50_ms", of.response_p50_ms);
  io("response_p99_ms", of.response_p99_ms);
  io("response_max_ms", of.response_max_ms);
}

template <typename Io, is<process_second> T>
void fields(Io& io, T& of) {
  io("at_s", of.at_s);
  io("cpu_s", of.cpu_s);
  io("cpu_wait_s", of.cpu_wait_s);
  io("rss_bytes", of.rss_bytes);
  io("anonymous_bytes", of.anonymous_bytes);
  io("processes", of.processes);
  io("threads", of.threads);
  io("descriptors", of.descriptors);
  io("sockets", of.sockets);
  io("voluntary_switches", of.voluntary_switches);
  io("involuntary_switches", of.involuntary_switches);
  io("allocations", of.allocations);
  io("allocated_bytes", of.allocated_bytes);
  io("live_bytes", of.live_bytes);
  io("files", of.files);
  io("pipes", of.pipes);
  io("eventfds", of.eventfds);
  io("other_descriptors", of.other_descriptors);
  io("read_bytes", of.read_bytes);
  io("written_bytes", of.written_bytes);
  io("read_calls", of.read_calls);
  io("write_calls", of.write_calls);
  io("storage_read_bytes", of.storage_read_bytes);
  io("storage_written_bytes", of.storage_written_bytes);
  io("pss_bytes", of.pss_bytes);
  io("group_memory_bytes", of.group_memory_bytes);
  io("group_cpu_stalled_s", of.group_cpu_stalled_s);
  io("group_memory_stalled_s", of.group_memory_stalled_s);
  io("group_io_stalled_s", of.group_io_stalled_s);
}

template <typename Io, is<resource_limit> T>
void fields(Io& io, T& of) {
  io("of", of.of);
  io("limit", of.limit);
  io("used", of.used);
}

template <typename Io, is<resource_limits> T>
void fields(Io& io, T& of) {
  io("memory", of.memory);
  io("descriptors", of.descriptors);
  io("threads", of.threads);
}

template <typename Io, is<loop_lag> T>
void fields(Io& io, T& of) {
  io("phase", of.phase);
  io("quality", of.quality);
  io("utilisation", of.utilisation);
  io("mean_ms", of.mean_ms);
  io("p50_ms", of.p50_ms);
  io("p99_ms", of.p99_ms);
  io("max_ms", of.max_ms);
  io("stalls", of.stalls);
  io("stalled_s", of.stalled_s);
}

template <typename Io, is<blocking_site> T>
void fields(Io& io, T& of) {
  io("call", of.call);
  io("peer", of.peer);
  io("place", of.place);
  io("stack", of.stack);
  io("count", of.count);
  io("total_ms", of.total_ms);
  io("longest_ms", of.longest_ms);
  io("at_s", of.at_s);
}

template <typename Io, is<database_look> T>
void fields(Io& io, T& of) {
  io("at_s", of.at_s);
  io("connections", of.connections);
  io("active", of.active);
  io("in_transaction", of.in_transaction);
  io("held", of.held);
  io("lock_waits", of.lock_waits);
  io("of_server", of.of_server);
  io("longest_idle_s", of.longest_idle_s);
  io("longest_wait_s", of.longest_wait_s);
}

template <typename Io, is<database_wait> T>
void fields(Io& io, T& of) {
  io("statement", of.statement);
  io("lock", of.lock);
  io("holder", of.holder);
  io("holder_idle", of.holder_idle);
  io("seen", of.seen);
  io("longest_s", of.longest_s);
}

template <typename Io, is<database_hold> T>
void fields(Io& io, T& of) {
  io("statement", of.statement);
  io("seen", of.seen);
  io("longest_s", of.longest_s);
}

template <typename Io, is<database_statement> T>
void fields(Io& io, T& of) {
  io("text", of.text);
  io("calls", of.calls);
  io("total_ms", of.total_ms);
  io("rows", of.rows);
}

template <typename Io, is<database_view> T>
void fields(Io& io, T& of) {
  io("name", of.name);
  io("version", of.version);
  io("max_connections", of.max_connections);
  io("looks", of.looks);
  io("waits", of.waits);
  io("locks", of.locks);
  io("holds", of.holds);
  io("statements", of.statements);
  io("notes", of.notes);
}

template <typename Io, is<trial_event> T>
void fields(Io& io, T& of) {
  io("at_s", of.at_s);
  io("length_s", of.length_s);
  io("kind", of.kind);
  io("text", of.text);
}

template <typename Io, is<reconciliation> T>
void fields(Io& io, T& of) {
  io("done", of.done);
  io("acknowledged", of.acknowledged);
  io("unanswered", of.unanswered);
  io("stored", of.stored);
  io("lost", of.lost);
  io("doubled", of.doubled);
  io("unknown", of.unknown);
  io("lost_total", of.lost_total);
  io("doubled_total", of.doubled_total);
  io("unknown_total", of.unknown_total);
}

template <typename Io, is<generator_health> T>
void fields(Io& io, T& of) {
  io("cpu_share", of.cpu_share);
  io("cpu_wait_share", of.cpu_wait_share);
  io("spun_share", of.spun_share);
  io("own_lag_p99_ns", of.own_lag_p99_ns);
  io("own_lag_max_ns", of.own_lag_max_ns);
  io("own_limits", of.own_limits);
  io("little_residual", of.little_residual);
  io("cpu_per_request_ns", of.cpu_per_request_ns);
}

template <typename Io, is<trial> T>
void fields(Io& io, T& of) {
  io("candidate", of.candidate);
  io("repeat", of.repeat);
  io("order", of.order);
  io("seed", of.seed);
  io("state", of.state);
  io("reasons", of.reasons);
  io("started_at", of.started_at);
  io("start_up_s", of.start_up_s);
  io("recovery_s", of.recovery_s);
  io("writes", of.writes);
  io("generator", of.generator);
  io("facts", of.facts);
  io("events", of.events);
  io("blocking", of.blocking);
  io("databases", of.databases);
  io("lag", of.lag);
  io("phases", of.phases);
  io("processes", of.processes);
  io("limits", of.limits);
  io("seconds", of.seconds);
}

}  // namespace assay::model::fields_of_trial
