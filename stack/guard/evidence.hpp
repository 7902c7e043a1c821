// What the outcome of an exchange says about the host that was asked.
//
// A failure says that the host is ill: it timed out, refused, reset, went away, broke the protocol, or (count_5xx)
// answered 5xx. The caller's own cancellation and its own limits say nothing, nor does a deadline that left the host
// less than fair_wait, nor a body that its producer did not bring: else anyone who may send a short deadline, or break
// off an upload, could take a healthy host away from all.
//
// Misuse: taking no evidence for a success. A host that nobody could ask has not answered.
#pragma once

#include <cstdint>
#include <memory>

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

// Of a request whose body is produced: whether it was the producer that spoiled the exchange. It failed by itself, or
// its time was over while it waited for anything but the host.
class watched_producer {
 public:
  // Before the request is sent.
  explicit watched_producer(http::client_request& of);
  // Then the outcome says nothing of the host.
  bool spoiled(const result<http::client_response>& outcome) const {
    return !outcome && spoiled_ != nullptr && *spoiled_;
  }

 private:
  std::shared_ptr<bool> spoiled_;  // null: nothing is produced
};

}  // namespace assay::guard
