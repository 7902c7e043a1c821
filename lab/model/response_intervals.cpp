#include "lab/model/response_intervals.hpp"

#include <fmt/format.h>

#include <cmath>

namespace assay::model {

std::string name_of(const untold_interval& of) {
  return of.quantile == untold_interval::of_mean ? "mean" : fmt::format("p{:g}", 100 * of.quantile);
}

std::string why_untold(const untold_interval& of) {
  const auto reason = [&of] {
    switch (of.why) {
      case untold_reason::few_moments:
        return "a few slow moments decide";
      case untold_reason::long_moments:
        return "what is slow stays so for longer than the parts of the run that are compared";
      case untold_reason::few_parts:
        return "too few of the parts of the run have answers";
    }
    return "";
  };
  return fmt::format("{}; a run {:.0f} times as long may tell", reason(), std::ceil(of.times_longer));
}

}  // namespace assay::model
