// Waiting at an epoll set until a moment, to the nanosecond where the system can. Internal to the epoll backend.
//
// Misuse: sharing one between sets whose systems differ; it remembers what the system has refused.
#pragma once

#include <sys/epoll.h>

#include <optional>
#include <span>

#include "stack/runtime/time.hpp"

namespace assay::detail {

class exact_epoll_wait {
 public:
  // For so long at most; without end for none. What epoll_wait(2) returns.
  int operator()(int epoll_fd, std::span<epoll_event> events, std::optional<duration> at_most);

 private:
  bool coarse_ = false;  // the system has no epoll_pwait2
};

}  // namespace assay::detail
