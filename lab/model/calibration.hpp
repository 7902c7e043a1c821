// What a machine and its generator can do and cost, from two runs against a server that does nothing.
//
// Misuse: as the capacity of anything else. The server shares the machine with the generator.
#pragma once

#include "lab/model/load_result.hpp"

namespace assay::model {

struct calibration {
  load_result fastest;  // closed model: each connection sends again with its answer
  load_result at_ease;  // open model, at a rate that leaves the machine at rest
};

}  // namespace assay::model
