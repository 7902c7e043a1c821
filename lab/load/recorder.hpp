// What one generator thread has measured so far of one route in one phase: histograms, counts, and the integrals the
// verdict needs. Constant memory for any length of run: 1.3 MiB, nearly all of it five histograms; what all of them of
// a run may take is in record_memory.hpp.
//
// Misuse: sharing one between threads. Each has its own; merge() when they have stopped.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lab/model/load_result.hpp"
#include "stack/runtime/error.hpp"
#include "stack/runtime/time.hpp"

namespace assay::load {

// Why a request counts as an error. A response with a status that was not expected is a response and an error.
enum class failure_kind : std::uint8_t {
  connect,    // no connection: refused, unreachable, timed out
  timed_out,  // no complete response within the timeout; charged with its lower bound
  closed,     // the server closed the connection in the middle of an exchange
  reset,      // it reset it
  protocol,   // it did not speak HTTP/1.1 as the standard says
  status_4xx,
  status_5xx,
  undrained,           // still open when the drain ended; charged with its lower bound
  unsent,              // due, and no connection ever came free; charged with its lower bound
  status_unexpected,   // below 400, but not what the route expects
  own_limit,           // no connection for want of a descriptor, a local port or memory: the generator's fault
  check_header,        // of the expected status, but without a header field that was demanded
  check_body,          // nor with a body as demanded
  check_json,          // nor with JSON as demanded
  check_extract,       // nor with what a later step of the session needs
  redirects,           // a redirect beyond those that are followed
  redirect_elsewhere,  // a redirect to another origin, or to what cannot be asked for
};
inline constexpr std::size_t failure_kinds = 17;
inline constexpr std::size_t statuses_end = 1000;

// Less than this hides among the ends of other requests.
inline constexpr duration long_wait = std::chrono::milliseconds(1);

// How an answer counts.
struct judged_answer {
  int status = 0;
  std::optional<failure_kind> error = {};  // as its route and the checks see it
  bool within_run = true;                  // before the end of sending
  bool in_time = true;                     // within the timeout, counted from the intention as its user would
};

std::string_view label(failure_kind kind);
// Of that label: it is an answer too, counted among the answers.
bool is_of_answers(std::string_view kind);
// Their labels and how often; kinds that did not occur are absent.
std::map<std::string, std::uint64_t> counts_by_kind(const std::array<std::uint64_t, failure_kinds>& counts);
// Of a request that was sent; and of a connection that could not be opened.
failure_kind classify_status(int status);  // of one that was not expected
failure_kind classify(const error& failure);
failure_kind classify_opening(const error& failure);

class recorder {
 public:
  recorder();

  // A request is sent now.
  void departs(instant now);
  // How late: against its intended instant; and by the generator's own fault, against the moment from which it could
  // have sent it, a connection being idle; this is what it returns. What was intended by `blind_until` could have been
  // sent at once: the generator did not run.
  duration lags(instant intended, instant idle_since, instant blind_until, instant now);
  // It was taken by a connection that had been busy until `free_since`.
  void waits(instant intended, instant free_since, instant blind_until) {
    if (free_since - std::max(intended, blind_until) > long_wait) waited++;
  }
  // A sent request that is going to be sent again.
  void withdrawn(instant sent, instant now);
  void answered(instant intended, instant sent, instant now, const judged_answer& answer);
  // It was sent and will not be answered; `charged` puts its lower bound into the histograms.
  void failed(failure_kind kind, instant intended, instant sent, instant now, bool charged);
  // It was never sent; or so many of them.
  void not_sent(failure_kind kind, instant intended, instant now, bool charged, std::uint64_t count = 1);

  void merge(const recorder& other);
  // By kind; kinds that did not occur are absent.
  std::map<std::string, std::uint64_t> errors_by_kind() const;
  // Puts what was counted into a result: requests, errors, latency, and the health that follows from them.
  void write_to(model::load_result& into) const;
  void write_to(model::generator_health& into) const;

  static constexpr std::size_t histograms = 5;

  model::latency_histograms latency;
  observe::histogram own_lag;  // send lag that an idle connection could have prevented
  std::array<std::uint64_t, failure_kinds> errors{};
  std::array<std::uint64_t, statuses_end> statuses{};
  std::uint64_t offered = 0;  // arrivals that were taken or charged
  std::uint64_t answers = 0;
  std::uint64_t answers_within_run = 0;
  std::uint64_t answered_well = 0;  // as expected and in time: goodput
  std::uint64_t well_within_run = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t connects = 0;
  std::uint64_t resent = 0;
  std::uint64_t redirects = 0;  // followed
  std::uint64_t waited = 0;     // due while every connection was busy, and sent long_wait later or never
  // For Little's law: the integral of the requests in flight over time, and the sum of their service times, kept apart.
  double in_flight_ns = 0;
  double service_sum_ns = 0;

 private:
  void level_changes(instant now, int by);
  void leave(instant sent, instant now);

  std::int64_t in_flight_ = 0;
  instant level_since_{};
};

// What the live view may read while the run goes on.
struct live_counters {
  std::atomic<std::uint64_t> offered{0};     // arrivals taken
  std::atomic<std::int64_t> next_due_ns{0};  // the intended instant of the next one
  std::atomic<std::uint64_t> answers{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<int> cpu_clock{no_clock};  // of the thread, for clock_gettime(), while it runs

  static constexpr int no_clock = 0;
};

}  // namespace assay::load
