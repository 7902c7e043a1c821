// Memory for coroutine frames: a free list per thread and size class, because a frame is made and freed with every
// request and malloc would be the largest part of a co_await (measured 18 ns against 8 ns a synchronous child).
//
// Under AddressSanitizer it is plain new and delete, so that a use after free of a frame is seen.
// Misuse: none from outside; only promise types call it.
#pragma once

#include <cstddef>

namespace assay::detail {

void* allocate_frame(std::size_t size_bytes);
void free_frame(void* frame, std::size_t size_bytes) noexcept;

// Frames handed out and not yet returned on this thread; tests use it to prove that nothing leaked.
std::size_t live_frames() noexcept;

}  // namespace assay::detail
