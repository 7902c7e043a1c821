#include "lab/model/load_result.hpp"

namespace assay::model {

std::string_view label(load_model model) {
  switch (model) {
    case load_model::open:
      return "open";
    case load_model::partly_open:
      return "partly-open";
    case load_model::closed:
      break;
  }
  return "closed";
}
std::string_view label(arrival_law law) { return law == arrival_law::poisson ? "poisson" : "constant"; }

}  // namespace assay::model
