// Socket system calls that the real backends share. Internal to stack/runtime.
//
// Misuse: calling these from anywhere but a backend; under simulated I/O they would open real sockets.
#pragma once

#include "stack/runtime/io.hpp"

namespace assay::detail {

// A bound, listening, non-blocking descriptor.
result<int> open_listener(const socket_address& at, const listen_options& options);
// A non-blocking TCP descriptor with Nagle off.
result<int> open_stream(int family);
// What every accepted or connected stream gets: Nagle off.
void prepare_stream(int fd);
socket_address local_address_of(int fd);
socket_address peer_address_of(int fd);
void signal_eventfd(int fd) noexcept;

}  // namespace assay::detail
