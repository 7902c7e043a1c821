#include "lab/load/recorder.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string>
#include <tuple>

namespace assay::load {
namespace {

std::uint64_t nanoseconds(duration span) {
  return span <= duration::zero() ? 0 : static_cast<std::uint64_t>(span.count());
}

}  // namespace

std::string_view label(failure_kind kind) {
  switch (kind) {
    case failure_kind::connect:
      return "connect";
    case failure_kind::timed_out:
      return "timed_out";
    case failure_kind::closed:
      return "closed";
    case failure_kind::reset:
      return "reset";
    case failure_kind::protocol:
      return "protocol";
    case failure_kind::status_4xx:
      return "status_4xx";
    case failure_kind::status_5xx:
      return "status_5xx";
    case failure_kind::undrained:
      return "undrained";
    case failure_kind::unsent:
      return "unsent";
  }
  return "protocol";
}

failure_kind classify(const error& failure) {
  switch (failure.code) {
    case errc::timed_out:
      return failure_kind::timed_out;
    case errc::closed:
      return failure_kind::closed;
    case errc::reset:
      return failure_kind::reset;
    case errc::cancelled:
      return failure_kind::undrained;
    case errc::protocol:
      return failure_kind::protocol;
    default:
      return failure_kind::reset;
  }
}

recorder::recorder() : own_lag(observe::histogram::with_defaults()) {}

void recorder::level_changes(instant now, int by) {
  in_flight_ns += static_cast<double>(in_flight_) * static_cast<double>((now - level_since_).count());
  in_flight_ += by;
  level_since_ = now;
  assert(in_flight_ >= 0);
}

void recorder::leave(instant sent, instant now) {
  level_changes(now, -1);
  service_sum_ns += static_cast<double>((now - sent).count());
}

void recorder::departs(instant now) { level_changes(now, +1); }

void recorder::lags(instant intended, instant idle_since, instant blind_until, instant now) {
  latency.send_lag.record(nanoseconds(now - intended));
  const duration since_idle = now - std::max(intended, idle_since);
  const duration blind = intended < blind_until ? blind_until - intended : duration::zero();
  own_lag.record(nanoseconds(std::max(since_idle, blind)));
}

void recorder::withdrawn(instant sent, instant now) {
  leave(sent, now);
  resent++;
}

void recorder::answered(instant intended, instant sent, instant now, int status, bool within_run) {
  leave(sent, now);
  answers++;
  if (within_run) answers_within_run++;
  latency.response_time.record(nanoseconds(now - intended));
  latency.service_time.record(nanoseconds(now - sent));
  if (status >= 500) {
    errors[static_cast<std::size_t>(failure_kind::status_5xx)]++;
  } else if (status >= 400) {
    errors[static_cast<std::size_t>(failure_kind::status_4xx)]++;
  }
}

void recorder::failed(failure_kind kind, instant intended, instant sent, instant now, bool charged) {
  leave(sent, now);
  errors[static_cast<std::size_t>(kind)]++;
  if (!charged) return;
  latency.response_time.record(nanoseconds(now - intended));
  latency.service_time.record(nanoseconds(now - sent));
}

void recorder::not_sent(failure_kind kind, instant intended, instant now, bool charged) {
  errors[static_cast<std::size_t>(kind)]++;
  if (!charged) return;
  latency.response_time.record(nanoseconds(now - intended));
  latency.send_lag.record(nanoseconds(now - intended));
}

void recorder::merge(const recorder& other) {
  // Every histogram has the default layout, so merging cannot fail.
  std::ignore = latency.response_time.merge(other.latency.response_time);
  std::ignore = latency.service_time.merge(other.latency.service_time);
  std::ignore = latency.send_lag.merge(other.latency.send_lag);
  std::ignore = own_lag.merge(other.own_lag);
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) errors[kind] += other.errors[kind];
  answers += other.answers;
  answers_within_run += other.answers_within_run;
  received_bytes += other.received_bytes;
  connects += other.connects;
  resent += other.resent;
  in_flight_ns += other.in_flight_ns;
  service_sum_ns += other.service_sum_ns;
}

void recorder::write_to(model::load_result& into) const {
  into.requests = answers;
  into.bytes_received = received_bytes;
  into.connects = connects;
  into.resent = resent;
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) {
    if (errors[kind] > 0) into.errors[std::string(label(static_cast<failure_kind>(kind)))] = errors[kind];
  }
  into.generator.own_lag_p99_ns = own_lag.value_at_quantile(0.99);
  into.generator.own_lag_max_ns = own_lag.max();
  if (in_flight_ns > 0) into.generator.little_residual = std::abs(in_flight_ns - service_sum_ns) / in_flight_ns;
  into.latency = latency;
}

}  // namespace assay::load
