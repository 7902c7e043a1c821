// The lent buffers of an io_uring backend: a ring the kernel takes them from, and chains of what it has filled and
// nobody has read yet. Internal to io_uring_backend.cpp.
//
// The kernel fills buffers for connections that nobody reads at the moment, so that a few flooded ones could keep all
// of them, and everybody who waits would starve behind somebody who may be waiting for him. Unread bytes are therefore
// moved to the heap when the ring has run dry: `spill`.
//
// The kernel takes them first in, first out. If the ring held all that are free, each receive would fill the one that
// was used the longest ago, and it would be in no cache any more. So the ring holds few, the others are a stack beside
// it, and whoever sees the kernel run dry lets it hold more: `widen`.
//
// Misuse: destroying this before io_uring_queue_exit(); the kernel would write into freed memory.
#pragma once

#include <liburing.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "stack/runtime/io.hpp"

namespace assay::detail {

// Received and not taken, oldest first; the links are kept by uring_buffers.
struct buffer_chain {
  std::uint32_t first = lent_buffer::no_buffer;
  std::uint32_t last = lent_buffer::no_buffer;
  std::uint32_t count = 0;
};

class uring_buffers {
 public:
  // `count` is a power of two, of at most 32768 (the kernel's limit).
  uring_buffers(std::uint32_t count, std::uint32_t size_bytes) : count_(count), size_bytes_(size_bytes) {}

  result<void> register_with(io_uring& ring, int group);

  std::uint32_t count() const { return count_; }
  // Neither lent nor in a chain.
  std::uint32_t free() const { return in_ring_ + static_cast<std::uint32_t>(spare_.size()); }
  // Of those: the kernel can fill that many. And that many when it has been topped up, if they are free.
  std::uint32_t in_ring() const { return in_ring_; }
  std::uint32_t most_in_ring() const { return most_in_ring_; }
  void top_up();
  void widen() { most_in_ring_ = std::min(2 * most_in_ring_, count_); }
  // Filled, and waiting in some chain.
  std::uint32_t chained() const { return chained_; }

  // Where in the buffer the bytes begin, how many there are, and when they came.
  struct payload {
    std::uint32_t offset = 0;
    std::uint32_t length_bytes = 0;
    instant received_at = lent_buffer::unknown;
  };
  // The kernel has filled `id`: to the end of the chain.
  void append(buffer_chain& chain, std::uint32_t id, const payload& filled_with);
  // What the kernel has put into `id`, which has not been appended yet.
  char* content(std::uint32_t id) { return address(id); }
  // The kernel has used `id` for nothing.
  void take_back(std::uint32_t id);
  // The oldest of a chain that is not empty, lent until give_back().
  lent_buffer pop(buffer_chain& chain);
  void give_back(std::uint32_t id);
  void give_back_all(buffer_chain& chain);
  // Moves the bytes of a chain to the heap, and its buffers back to the ring.
  void spill(buffer_chain& chain);

 private:
  struct filled {
    std::uint32_t next = lent_buffer::no_buffer;
    payload with;
    std::unique_ptr<char[]> heap;  // of a spilled one, whose id is beyond the ring's
  };
  struct free_memory {
    void operator()(void* memory) const { std::free(memory); }
  };

  static constexpr std::uint32_t few = 128;

  bool spilled(std::uint32_t id) const { return id >= count_; }
  char* address(std::uint32_t id) { return memory_.get() + std::size_t{id} * size_bytes_; }
  void put(std::uint32_t id);
  void put_into_ring(std::uint32_t id);
  std::uint32_t to_heap(std::uint32_t id);

  std::uint32_t count_;
  std::uint32_t size_bytes_;
  std::uint32_t most_in_ring_ = std::min(few, count_);
  std::uint32_t in_ring_ = 0;
  std::uint32_t chained_ = 0;
  std::unique_ptr<io_uring_buf_ring, free_memory> ring_;
  std::unique_ptr<char[]> memory_;    // as it came: pages that are never filled cost nothing
  std::vector<filled> filled_;        // by id
  std::vector<std::uint32_t> spare_;  // free, and not in the ring; the last used last
  std::vector<std::uint32_t> unused_heap_ids_;
};

}  // namespace assay::detail
