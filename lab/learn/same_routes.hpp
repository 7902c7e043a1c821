// The measures of two workloads with the same names for the same routes. How a log's paths fold depends on how many of
// them it shows: where one has /items/17 and the other /items/{id}, the first is one of the second.
//
// Misuse: using it on the logs of two services; their routes may be alike by chance.
#pragma once

#include <span>
#include <vector>

#include "lab/model/measure.hpp"

namespace assay::learn {

class matched_measures {
 public:
  matched_measures(std::span<const model::measure> a, std::span<const model::measure> b);

  const std::vector<model::measure>& a() const { return a_; }
  const std::vector<model::measure>& b() const { return b_; }

 private:
  std::vector<model::measure> a_;
  std::vector<model::measure> b_;
};

}  // namespace assay::learn
