#include "lab/model/capacity.hpp"

namespace assay::model {

std::string_view label(capacity_outcome outcome) {
  switch (outcome) {
    case capacity_outcome::found:
      return "found";
    case capacity_outcome::wide:
      return "wide";
    case capacity_outcome::below_least:
      return "below_least";
    case capacity_outcome::above_most:
      return "above_most";
  }
  return "";
}

std::string_view label(overload_outcome outcome) {
  switch (outcome) {
    case overload_outcome::unknown:
      return "unknown";
    case overload_outcome::holds:
      return "holds";
    case overload_outcome::falls:
      return "falls";
    case overload_outcome::collapses:
      return "collapses";
  }
  return "";
}

}  // namespace assay::model
