// What the outcome of an exchange says about the host that was asked.
//
// A failure says that the host is ill: it timed out, refused, reset, went away, broke the protocol, or (count_5xx)
// answered 5xx. The caller's own cancellation and its own limits say nothing, nor does a deadline that left the host
// less than fair_wait: else anyone who may send a short one could take a healthy host away from all.
//
// Misuse: taking no evidence for a success. A host that nobody could ask has not answered.
#pragma once

#include <cstdint>

#include "stack/http/client.hpp"
#include "stack/runtime/error.hpp"

namespace assay::guard {

enum class evidence : std::uint8_t { success, failure, none };

struct judging {
  bool count_5xx = true;
  duration fair_wait = std::chrono::milliseconds(100);  // a timeout of an exchange that had less is not counted
};

// Of an exchange that had so much time.
evidence judge(const result<http::client_response>& outcome, const judging& by, duration had);

}  // namespace assay::guard
