#include "lab/load/recorder.hpp"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cmath>
#include <string>
#include <tuple>

#include "lab/load/span.hpp"

namespace assay::load {

failure_kind classify_status(int status) {
  if (status >= 500) return failure_kind::status_5xx;
  return status >= 400 ? failure_kind::status_4xx : failure_kind::status_unexpected;
}

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
    case failure_kind::status_unexpected:
      return "status_unexpected";
    case failure_kind::own_limit:
      return "own_limit";
    case failure_kind::check_header:
      return "check_header";
    case failure_kind::check_body:
      return "check_body";
    case failure_kind::check_json:
      return "check_json";
    case failure_kind::check_extract:
      return "check_extract";
    case failure_kind::redirects:
      return "redirects";
    case failure_kind::redirect_elsewhere:
      return "redirect_elsewhere";
  }
  return "protocol";
}

std::map<std::string, std::uint64_t> counts_by_kind(const std::array<std::uint64_t, failure_kinds>& counts) {
  std::map<std::string, std::uint64_t> by_kind;
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) {
    if (counts[kind] > 0) by_kind.emplace(label(static_cast<failure_kind>(kind)), counts[kind]);
  }
  return by_kind;
}

bool is_of_answers(std::string_view kind) {
  return kind.starts_with("status_") || kind.starts_with("check_") || kind.starts_with("redirect");
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

failure_kind classify_opening(const error& failure) {
  if (failure.code == errc::cancelled) return failure_kind::undrained;
  // EADDRNOTAVAIL of connect(): every local port to that address is taken.
  const bool own =
      failure.code == errc::no_descriptors || failure.code == errc::no_memory || failure.system_errno == EADDRNOTAVAIL;
  return own ? failure_kind::own_limit : failure_kind::connect;
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

duration recorder::lags(instant intended, instant idle_since, instant blind_until, instant now) {
  latency.send_lag.record(nanoseconds(now - intended));
  const duration since_idle = now - std::max(intended, idle_since);
  const duration blind = intended < blind_until ? blind_until - intended : duration::zero();
  const duration own = std::max(since_idle, blind);
  own_lag.record(nanoseconds(own));
  return own;
}

void recorder::withdrawn(instant sent, instant now) {
  leave(sent, now);
  resent++;
}

void recorder::answered(instant intended, instant sent, instant now, const judged_answer& answer) {
  assert(answer.status >= 0 && static_cast<std::size_t>(answer.status) < statuses_end);
  leave(sent, now);
  answers++;
  statuses[static_cast<std::size_t>(answer.status)]++;
  if (answer.within_run) answers_within_run++;
  const bool well = !answer.error && answer.in_time;
  if (well) answered_well++;
  if (well && answer.within_run) well_within_run++;
  latency.response_time.record(nanoseconds(now - intended));
  latency.service_time.record(nanoseconds(now - sent));
  if (!answer.error) latency.expected_response_time.record(nanoseconds(now - intended));
  if (answer.error) errors[static_cast<std::size_t>(*answer.error)]++;
}

void recorder::failed(failure_kind kind, instant intended, instant sent, instant now, bool charged) {
  leave(sent, now);
  errors[static_cast<std::size_t>(kind)]++;
  if (!charged) return;
  latency.response_time.record(nanoseconds(now - intended));
  latency.service_time.record(nanoseconds(now - sent));
}

void recorder::not_sent(failure_kind kind, instant intended, instant now, bool charged, std::uint64_t count) {
  errors[static_cast<std::size_t>(kind)] += count;
  if (kind == failure_kind::unsent) waited += count;
  if (!charged) return;
  latency.response_time.record(nanoseconds(now - intended), count);
  latency.send_lag.record(nanoseconds(now - intended), count);
}

void recorder::merge(const recorder& other) {
  // Every histogram has the default layout, so merging cannot fail.
  std::ignore = latency.response_time.merge(other.latency.response_time);
  std::ignore = latency.service_time.merge(other.latency.service_time);
  std::ignore = latency.send_lag.merge(other.latency.send_lag);
  std::ignore = latency.expected_response_time.merge(other.latency.expected_response_time);
  std::ignore = own_lag.merge(other.own_lag);
  for (std::size_t kind = 0; kind < failure_kinds; ++kind) errors[kind] += other.errors[kind];
  for (std::size_t status = 0; status < statuses_end; ++status) statuses[status] += other.statuses[status];
  offered += other.offered;
  answers += other.answers;
  answers_within_run += other.answers_within_run;
  answered_well += other.answered_well;
  well_within_run += other.well_within_run;
  received_bytes += other.received_bytes;
  connects += other.connects;
  resent += other.resent;
  redirects += other.redirects;
  waited += other.waited;
  in_flight_ns += other.in_flight_ns;
  service_sum_ns += other.service_sum_ns;
}

std::map<std::string, std::uint64_t> recorder::errors_by_kind() const { return counts_by_kind(errors); }

void recorder::write_to(model::load_result& into) const {
  into.requests = answers;
  into.bytes_received = received_bytes;
  into.connects = connects;
  into.resent = resent;
  into.redirects = redirects;
  into.waited_for_connection = waited;
  into.errors = errors_by_kind();
  write_to(into.generator);
  into.latency = latency;
}

void recorder::write_to(model::generator_health& into) const {
  into.own_lag_p99_ns = own_lag.value_at_quantile(0.99);
  into.own_lag_max_ns = own_lag.max();
  into.own_limits = errors[static_cast<std::size_t>(failure_kind::own_limit)];
  if (in_flight_ns > 0) into.little_residual = std::abs(in_flight_ns - service_sum_ns) / in_flight_ns;
}

}  // namespace assay::load
