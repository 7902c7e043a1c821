// Arrival-seen lag from busy segments: work that becomes ready at a random moment falls into a segment with a
// probability proportional to its length, and waits for the rest of it.
//
//   P(lag > x) = sum of max(0, d - x) / T      E[lag] = sum of d² / 2T      utilisation = (sum of d + zero waits) / T
//
// Misuse: quantiles over the segments themselves. A loop that idles makes thousands of short segments between two
// freezes; weighted by iteration the freeze vanishes, weighted by arrival it is what users meet.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "probe/probe_format.h"

namespace assay::inside {

struct segment_bucket {
  std::uint64_t count = 0;
  double sum_ns = 0;
  double sum_squares = 0;
};

// Segments of one thread during a window. `exact` holds single segments with a sign: a segment that crosses the
// window's edge is counted whole or not at all in the buckets, and put right here.
struct busy_segments {
  struct single {
    double length_ns = 0;
    int sign = 1;
  };
  double window_ns = 0;
  double zero_wait_ns = 0;
  std::vector<segment_bucket> buckets;
  std::vector<single> exact;

  // Only the buckets that hold anything: about fifty of them do.
  void add_bucket(const segment_bucket& bucket) {
    if (bucket.count > 0) buckets.push_back(bucket);
  }
};

struct lag_estimate {
  double utilisation = 0;
  double mean_ns = 0;
  double p50_ns = 0;
  double p99_ns = 0;
  double longest_ns = 0;  // of what the buckets show; within an eighth
};

// sum of max(0, d - x), nanoseconds.
double time_beyond(const busy_segments& segments, double x_ns);
double lag_quantile(const busy_segments& segments, double q);
lag_estimate estimate_lag(const busy_segments& segments);

// What its thread did during a long segment.
struct segment_use {
  std::uint64_t cpu_ns = 0;
  unsigned slept = 0;      // times
  unsigned preempted = 0;  // times
  unsigned major_faults = 0;
};

// A long segment, [start, end), and whether the buckets of a window that has its end count it.
struct long_segment {
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
  bool counted = true;  // false: it goes on, no bucket has it yet
  std::optional<segment_use> use = {};
};

// Puts the segments that cross an edge of [begin, end) right: an arrival in this window waits until the segment's end,
// wherever that is; one outside does not belong here.
void correct_edges(busy_segments& segments, std::uint64_t begin_ns, std::uint64_t end_ns,
                   const std::vector<long_segment>& stalls);

// How many stalls of at least 10, 50, 100, 500 ms touch the window, and the part of it they take. Two windows that meet
// during a stall both count it: both had it. Its end does not decide: a thread may end its stall between the instant
// of a look and the reading, and would then belong nowhere.
struct stall_counts {
  std::map<int, std::uint64_t> number;
  std::map<int, double> seconds;
  double longest_ns = 0;
};
stall_counts count_stalls(std::uint64_t begin_ns, std::uint64_t end_ns, const std::vector<long_segment>& stalls);

}  // namespace assay::inside
