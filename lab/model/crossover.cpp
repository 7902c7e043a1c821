#include "lab/model/crossover.hpp"

namespace assay::model {

std::string_view label(crossover_outcome outcome) {
  switch (outcome) {
    case crossover_outcome::crosses:
      return "crosses";
    case crossover_outcome::always:
      return "always";
    case crossover_outcome::never:
      return "never";
    case crossover_outcome::inconclusive:
      return "inconclusive";
  }
  return "";
}

}  // namespace assay::model
