#include "lab/model/load_result.hpp"

#include <fmt/format.h>

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

bool many_waited(const load_result& result) {
  return result.model == load_model::open && static_cast<double>(result.waited_for_connection) >
                                                 told_wait_share * static_cast<double>(result.offered_requests);
}

bool has_collapsed(const load_result& result) {
  return result.valid && result.offered_rps && result.good_rps < collapsed_share * *result.offered_rps;
}

std::string names_of(const std::vector<touched_time>& touched) {
  std::string names;
  for (std::size_t i = 0; i < touched.size(); ++i) {
    if (i > 0) names += i + 1 == touched.size() ? " and " : ", ";
    names += touched[i].quantile == 1 ? "max" : fmt::format("p{:g}", 100 * touched[i].quantile);
  }
  return names;
}

std::uint64_t total_of(const std::map<std::string, std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (const auto& [kind, count] : counts) sum += count;
  return sum;
}

}  // namespace assay::model
