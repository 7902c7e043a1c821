// Between which bounds the mean and the percentiles of one run lie, and of those that have none, why;
// lab/load/intervals.hpp has the method.
//
// Misuse: taking them for how much another run would differ: that is not in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::model {

// Between which bounds something lies with 95 %.
struct time_interval {
  double low_ns = 0;
  double high_ns = 0;
};

struct quantile_interval {
  double quantile = 0;
  time_interval within = {};
  double effective_samples = 0;  // so many independent ones would tell as much
};

enum class untold_reason : std::uint8_t {
  few_moments,   // a few slow moments decide it
  long_moments,  // what is slow, or fast, stays so for longer than the parts of the run that are compared
  few_parts,     // that have any answers
};

// A value that is told without its interval: why, and so many times as long at least a run is to be that may have it.
struct untold_interval {
  static constexpr double of_mean = 0;

  double quantile = of_mean;
  untold_reason why = untold_reason::few_moments;
  double times_longer = 0;
};

// "p99.9", or "mean".
std::string name_of(const untold_interval& of);
// Why, and what to do: the end of a sentence about one value or several.
std::string why_untold(const untold_interval& of);

// Of the response times of one run under one load; lab/load/intervals.hpp has the method.
struct response_intervals {
  std::optional<time_interval> mean = {};
  std::vector<quantile_interval> quantiles = {};  // rising; those that can be told
  std::vector<untold_interval> untold = {};       // rising; of those whose value is
  double from_s = 0;         // of what was meant for then or later: until then the load was not yet the even one
  std::string why_not = {};  // where none can be told since the load never became even
};

}  // namespace assay::model
