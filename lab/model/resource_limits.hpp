// What a service runs into when it goes on growing, and how much of it is in use, at the last look.
//
// Misuse: reading the lab's own limits as those of production: what is told is where the service ran.
#pragma once

#include <cstdint>
#include <string>

namespace assay::model {

struct resource_limit {
  std::string of = {};      // "the memory limit of its control group"
  std::uint64_t limit = 0;  // 0: none is known
  std::uint64_t used = 0;

  std::uint64_t room() const { return limit > used ? limit - used : 0; }
  bool operator==(const resource_limit&) const = default;
};

struct resource_limits {
  resource_limit memory = {};       // bytes, of the control group with least room; pages that can be dropped left out
  resource_limit descriptors = {};  // of the process with least room
  resource_limit threads = {};      // of the control group or the user, whichever has less room

  bool operator==(const resource_limits&) const = default;
};

}  // namespace assay::model
