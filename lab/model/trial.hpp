// What one trial measured: one fresh process of one candidate, taken through every phase of the plan.
//
// The trial is the unit of replication. Times inside it are seconds from the first phase's start (`at_s`), latencies
// nanoseconds in the histograms. The file format is trial_json.hpp's, version trial_version.
//
// Misuse: reading the numbers of a trial whose state is not `complete`; and averaging quantiles of trials without
// their interval.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/model/database.hpp"
#include "lab/model/load_result.hpp"
#include "lab/model/plan.hpp"
#include "lab/model/resource_limits.hpp"

namespace assay::model {

inline constexpr int trial_version = 3;

struct route_measurement {
  std::string route = {};  // bound_route::name; empty for all of the phase
  std::uint64_t offered = 0;
  std::uint64_t answered = 0;
  std::uint64_t answered_well = 0;                   // with an expected status, within the timeout: goodput
  std::map<std::string, std::uint64_t> errors = {};  // by kind, as in load_result
  std::map<int, std::uint64_t> statuses = {};
  latency_histograms latency = {};
};

struct phase_measurement {
  std::string name = {};
  phase_kind kind = phase_kind::steady;
  double start_s = 0;  // requests belong to the phase of their intended instant
  double length_s = 0;
  double offered_rps = 0;                 // as planned; all.offered over length_s is what chance made of it
  bool valid = true;                      // for this phase the generator did what it claims
  std::vector<std::string> reasons = {};  // why not
  route_measurement all = {};
  std::vector<route_measurement> routes = {};
};

// One second of the load: small enough to keep for a day.
struct load_second {
  double at_s = 0;
  std::uint64_t offered = 0;
  std::uint64_t answered = 0;
  std::uint64_t errors = 0;
  double response_p50_ms = 0;  // of requests intended in this second; 0 when there were none
  double response_p99_ms = 0;
  double response_max_ms = 0;
};

// One look at the candidate's processes, all of them summed.
struct process_second {
  double at_s = 0;
  double cpu_s = 0;       // cumulative, user and system
  double cpu_wait_s = 0;  // cumulative, runnable and waiting for a core
  std::uint64_t rss_bytes = 0;
  std::uint64_t anonymous_bytes = 0;
  unsigned processes = 0;
  unsigned threads = 0;
  unsigned descriptors = 0;
  unsigned sockets = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  std::uint64_t allocations = 0;  // cumulative, by malloc and its like; 0: nobody has asked for it, as the following
  std::uint64_t allocated_bytes = 0;  // cumulative
  std::uint64_t live_bytes = 0;       // allocated and not freed
  unsigned files = 0;                 // of the descriptors, as the following: devices and folders too
  unsigned pipes = 0;
  unsigned eventfds = 0;
  unsigned other_descriptors = 0;           // epoll, timers, io_uring, what could not be read
  std::uint64_t read_bytes = 0;             // cumulative, by read() and its like, from whatever: rchar
  std::uint64_t written_bytes = 0;          // cumulative: wchar
  std::uint64_t read_calls = 0;             // cumulative
  std::uint64_t write_calls = 0;            // cumulative
  std::uint64_t storage_read_bytes = 0;     // cumulative, what had to come from a disk
  std::uint64_t storage_written_bytes = 0;  // cumulative, and what is to go there
  // Every few seconds, and held until the next time.
  std::uint64_t pss_bytes = 0;           // resident, each shared page by parts; 0: not told
  std::uint64_t group_memory_bytes = 0;  // of its control group, without what the kernel can drop; 0: not told
  double group_cpu_stalled_s = 0;        // cumulative: some task of the group waited for a core; 0: not told
  double group_memory_stalled_s = 0;
  double group_io_stalled_s = 0;
};

// How the lag of an event loop was obtained.
enum class lag_quality : std::uint8_t {
  none,     // the candidate has no event loop that could be seen
  sampled,  // /proc/PID/task/TID/syscall, about 1 ms resolution
  traced,   // the preload library: each poll of the loop
};
std::string_view label(lag_quality quality);

// Arrival-seen lag of the busiest loop thread during one phase: how long work that becomes ready at a random moment
// waits until the loop looks for it. P(lag > x) = sum of max(0, d - x) / T over the busy segments d.
struct loop_lag {
  std::string phase = {};
  lag_quality quality = lag_quality::none;
  double utilisation = 0;
  double mean_ms = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double max_ms = 0;                         // the longest busy segment
  std::map<int, std::uint64_t> stalls = {};  // busy segments of at least 10, 50, 100, 500 ms
  std::map<int, double> stalled_s = {};      // and the time in them
};

// A place in the candidate that blocked a loop thread, all occurrences taken together.
struct blocking_site {
  std::string call = {};   // "recv", "getaddrinfo", "fsync", "sleep"
  std::string peer;        // "third-party (127.0.0.1:40123)", a path, or empty
  std::string place = {};  // "app.py:87 in price": the innermost frame of the candidate's own code; empty when unknown
  std::vector<std::string> stack = {};  // of one occurrence, innermost first
  std::uint64_t count = 0;
  double total_ms = 0;
  double longest_ms = 0;
  std::vector<double> at_s = {};  // of the longest hundred
};

struct trial_event {
  double at_s = 0;
  double length_s = 0;    // 0: a moment
  std::string kind = {};  // "phase", "fault", "stall", "database", "task", "note"
  std::string text = {};
};

// Writes that the candidate acknowledged against the rows that are there.
struct reconciliation {
  bool done = false;
  std::uint64_t acknowledged = 0;
  std::uint64_t unanswered = 0;  // sent, outcome unknown to the client: stored or not, both are right
  std::uint64_t stored = 0;
  std::vector<std::string> lost = {};     // acknowledged and not stored; the first hundred
  std::vector<std::string> doubled = {};  // stored more than once
  std::vector<std::string> unknown = {};  // stored, though refused or never sent
  std::uint64_t lost_total = 0;           // the lists hold the first hundred
  std::uint64_t doubled_total = 0;
  std::uint64_t unknown_total = 0;
  bool agrees() const { return lost.empty() && doubled.empty() && unknown.empty(); }
};

enum class trial_state : std::uint8_t {
  complete,
  invalid,  // the generator, the host: what was measured does not show the candidate
  failed,   // the candidate: did not start, did not behave alike, died, lost a write
};
std::string_view label(trial_state state);

struct trial {
  int version = trial_version;
  std::string candidate = {};
  unsigned repeat = 0;  // from 1
  unsigned order = 0;   // position in the campaign, from 1
  std::uint64_t seed = 0;
  trial_state state = trial_state::complete;
  std::vector<std::string> reasons = {};  // why it is not complete, and remarks
  std::string started_at = {};            // UTC, ISO 8601
  double start_up_s = 0;                  // from exec to ready
  std::vector<phase_measurement> phases = {};
  std::vector<load_second> seconds = {};
  std::vector<process_second> processes = {};
  resource_limits limits = {};
  std::vector<loop_lag> lag = {};  // a phase each
  std::vector<blocking_site> blocking = {};
  std::vector<database_view> databases = {};
  std::vector<trial_event> events = {};
  std::optional<double> recovery_s = {};  // after the fault's end, until p99 was back; absent: it did not come back
  reconciliation writes = {};
  generator_health generator = {};
  std::map<std::string, std::string> facts = {};  // the fairness record: "command", "versions", "cpus", "probes", …

  const phase_measurement* find_phase(const std::string& name) const;
};

}  // namespace assay::model
