// The stages of a run in which several schedules go on at once, each in stages of its own: one ends wherever a stage of
// any of them does.
//
// Its rate is their sum. That is even, or a ramp; a sine keeps its shape where it is whole and the others are even,
// else it counts with its mean over that time. It is a burst as long as one of them is, of the sum that there would be
// without; bursts that overlap, or follow each other at once, are one, since there is no level between them to be back
// at.
//
// Misuse: schedules of different lengths; one that ends sooner has a pause as its last stage.
#pragma once

#include <span>
#include <vector>

#include "lab/load/rate_curve.hpp"

namespace assay::load {

// At least one schedule, each of at least one stage with a length above zero.
std::vector<stage> joint_stages(std::span<const std::vector<stage>> schedules);

}  // namespace assay::load
