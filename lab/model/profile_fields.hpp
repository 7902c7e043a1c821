// The keys of a profile document, each once, for both directions: writer and reader walk the same lists.
//
// `io` is called with a key and the field behind it; io.later() with one that documents of older versions lack, and
// io.any() with a number of either sign. A field added to a struct of profile.hpp gets its line here, in
// docs/profile-json.md and in docs/profile.schema.json.
//
// Misuse: including this outside of profile_json.cpp; and naming a key twice in one list.
#pragma once

#include <concepts>
#include <type_traits>

#include "lab/model/profile.hpp"

namespace assay::model::fields_of_profile {

template <typename T, typename Of>
concept is = std::same_as<std::remove_const_t<T>, Of>;

template <typename Io, is<estimate> T>
void fields(Io& io, T& of) {
  io.any("value", of.value);
  io.any("low", of.low);
  io.any("high", of.high);
  io("n", of.n);
}

template <typename Io, is<tail_fit> T>
void fields(Io& io, T& of) {
  io("alpha", of.alpha);
  io("from", of.from);
  io("distance", of.distance);
}

template <typename Io, is<durations> T>
void fields(Io& io, T& of) {
  io("requests", of.requests);
  io("mean_s", of.mean_s);
  io("p50_s", of.p50_s);
  io("p90_s", of.p90_s);
  io("p99_s", of.p99_s);
  io("p999_s", of.p999_s);
}

template <typename Io, is<log_source> T>
void fields(Io& io, T& of) {
  io("path", of.path);
  io("sha256", of.sha256);
  io("format", of.format);
  io("bytes", of.bytes);
  io("lines", of.lines);
  io("kept", of.kept);
  io("clock_anomalies", of.clock_anomalies);
  io("rejected", of.rejected);
  io("rejected_sample", of.rejected_sample);
}

template <typename Io, is<placeholder> T>
void fields(Io& io, T& of) {
  io("name", of.name);
  io("shape", of.shape);
  io("distinct", of.distinct);
  io("distinct_capped", of.distinct_capped);
  io("zipf_exponent", of.zipf_exponent);
  io("top_tenth_share", of.top_tenth_share);
  io("least", of.least);
  io("greatest", of.greatest);
  io.later("why", of.why);
}

template <typename Io, is<route> T>
void fields(Io& io, T& of) {
  io("method", of.method);
  io("path", of.path);
  io("requests", of.requests);
  io("statuses", of.statuses);
  io("query_keys", of.query_keys);
  io("placeholders", of.placeholders);
  io("response_bytes_p50", of.response_bytes_p50);
  io("response_bytes_p99", of.response_bytes_p99);
  io.later("latency", of.latency);
}

template <typename Io, is<arrivals> T>
void fields(Io& io, T& of) {
  io("first", of.first);
  io("last", of.last);
  io("requests", of.requests);
  io("mean_per_s", of.mean_per_s);
  io("whole_hours", of.whole_hours);
  io("median_hour_per_s", of.median_hour_per_s);
  io("busiest_hour_per_s", of.busiest_hour_per_s);
  io("busiest_second_per_s", of.busiest_second_per_s);
  io("dispersion", of.dispersion);
  io("peak_to_mean", of.peak_to_mean);
  io("hour_of_day", of.hour_of_day);
  io("zone_minutes", of.zone_minutes);
  io.later("worst_minute", of.worst_minute);
  io.later("hour_of_week", of.hour_of_week);
  io.later("hurst", of.hurst);
  io.later("autocorrelation", of.autocorrelation);
  io.later("gap_cv", of.gap_cv);
}

template <typename Io, is<session_paths> T>
void fields(Io& io, T& of) {
  io("routes", of.routes);
  io("entries", of.entries);
  io("next", of.next);
  io("followed", of.followed);
  io("error", of.error);
}

template <typename Io, is<sessions> T>
void fields(Io& io, T& of) {
  io("key", of.key);
  io("count", of.count);
  io("idle_cut_s", of.idle_cut_s);
  io("requests_mean", of.requests_mean);
  io("think_time_p50_s", of.think_time_p50_s);
  io("think_time_p90_s", of.think_time_p90_s);
  io.later("think_time_mean_s", of.think_time_mean_s);
  io.later("think_time_cv", of.think_time_cv);
  io.later("requests_p50", of.requests_p50);
  io.later("requests_p90", of.requests_p90);
  io.later("requests_p99", of.requests_p99);
  io.later("length_law", of.length_law);
  io.later("geometric_distance", of.geometric_distance);
  io.later("length_tail", of.length_tail);
  io.later("paths", of.paths);
}

template <typename Io, is<service> T>
void fields(Io& io, T& of) {
  io("latency", of.latency);
  io("upstream", of.upstream);
  io("in_flight_mean", of.in_flight_mean);
  io("in_flight_busiest_hour", of.in_flight_busiest_hour);
  io("sized_requests", of.sized_requests);
  io("request_bytes_p50", of.request_bytes_p50);
  io("request_bytes_p99", of.request_bytes_p99);
  io("protocols", of.protocols);
  io("requests_per_connection", of.requests_per_connection);
}

template <typename Io, is<error_bursts> T>
void fields(Io& io, T& of) {
  io("errors", of.errors);
  io("bursts", of.bursts);
  io("longest", of.longest);
}

template <typename Io, is<profile> T>
void fields(Io& io, T& of) {
  io("tool_version", of.tool_version);
  io("resolution", of.resolution);
  io("sources", of.sources);
  io("requests", of.requests);
  io("routes", of.routes);
  io("other", of.other);
  io("statuses", of.statuses);
  io("response_bytes_p50", of.response_bytes_p50);
  io("response_bytes_p99", of.response_bytes_p99);
  io.later("response_bytes_tail", of.response_bytes_tail);
  io("arrivals", of.arrival);
  io("sessions", of.session);
  io.later("service", of.serving);
  io("errors", of.errors);
  io.later("measures", of.measures);
  io("notes", of.notes);
}

// Those that have a list.
template <typename T>
concept listed = is<T, estimate> || is<T, tail_fit> || is<T, durations> || is<T, log_source> || is<T, placeholder> ||
                 is<T, route> || is<T, arrivals> || is<T, session_paths> || is<T, sessions> || is<T, service> ||
                 is<T, error_bursts> || is<T, profile>;

}  // namespace assay::model::fields_of_profile
