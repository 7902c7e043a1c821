#include "lab/model/load_result.hpp"

namespace assay::model {

std::string_view label(load_model model) { return model == load_model::open ? "open" : "closed"; }
std::string_view label(arrival_law law) { return law == arrival_law::poisson ? "poisson" : "constant"; }

}  // namespace assay::model
