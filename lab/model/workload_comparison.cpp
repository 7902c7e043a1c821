#include "lab/model/workload_comparison.hpp"

#include <algorithm>

namespace assay::model {

std::string_view label(likeness found) {
  switch (found) {
    case likeness::differs:
      return "differs";
    case likeness::inconclusive:
      return "inconclusive";
    case likeness::same:
      return "same";
    case likeness::not_compared:
      return "not compared";
  }
  return "not compared";
}

std::uint64_t workload_comparison::count(likeness of) const {
  return static_cast<std::uint64_t>(std::ranges::count(measures, of, &measure_comparison::verdict));
}

likeness workload_comparison::verdict() const {
  if (count(likeness::differs) > 0) return likeness::differs;
  return count(likeness::inconclusive) > 0 || count(likeness::same) == 0 ? likeness::inconclusive : likeness::same;
}

}  // namespace assay::model
