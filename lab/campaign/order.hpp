// In which order the trials of a campaign run.
//
// Randomised blocks: every repeat is a block with each candidate once, in an order drawn from the seed. So a machine
// that slows down over the hour slows all candidates alike, and no candidate always follows the same other one.
//
// Misuse: running a candidate's repeats one after the other; what the machine did meanwhile would look like it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace assay::campaign {

struct trial_slot {
  std::string candidate;
  unsigned repeat = 0;  // from 1
  unsigned order = 0;   // from 1
};

// The same for the same arguments, on every platform.
std::vector<trial_slot> trial_order(const std::vector<std::string>& candidates, unsigned repeats, std::uint64_t seed);

// The seed of one trial's load: every candidate meets the same requests in the same repeat.
std::uint64_t trial_seed(std::uint64_t seed, unsigned repeat);

}  // namespace assay::campaign
