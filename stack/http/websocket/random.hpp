// Random bytes that nobody can guess, from the kernel: a client's keys and masks. A mask that the sender of a payload
// could foresee would let it choose the bytes on the wire, and so poison a proxy that takes them for HTTP (RFC 6455
// section 10.3).
//
// Misuse: taking a generator with a seed for this.
#pragma once

#include <span>

#include "stack/http/websocket/frame.hpp"

namespace assay::websocket {

void fill_random(std::span<char> bytes);

// Taken from a small store of this thread's: a system call for every 64th frame.
[[nodiscard]] mask_key random_mask();

}  // namespace assay::websocket
