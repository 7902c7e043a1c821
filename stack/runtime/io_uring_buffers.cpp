#include "stack/runtime/io_uring_buffers.hpp"

#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

namespace assay::detail {

result<void> uring_buffers::register_with(io_uring& ring, int group) {
  const std::size_t ring_bytes = count_ * sizeof(io_uring_buf);
  void* memory = nullptr;
  if (::posix_memalign(&memory, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)), ring_bytes) != 0) {
    return std::unexpected(from_errno(ENOMEM, "buffer ring"));
  }
  std::memset(memory, 0, ring_bytes);
  ring_.reset(static_cast<io_uring_buf_ring*>(memory));
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = count_;
  registration.bgid = static_cast<std::uint16_t>(group);
  const int refused = io_uring_register_buf_ring(&ring, &registration, 0);
  if (refused < 0) return std::unexpected(from_errno(-refused, "io_uring_register_buf_ring"));
  io_uring_buf_ring_init(ring_.get());

  memory_ = std::make_unique_for_overwrite<char[]>(std::size_t{count_} * size_bytes_);
  filled_.resize(count_);
  spare_.reserve(count_);
  for (std::uint32_t id = count_; id > 0; --id) spare_.push_back(id - 1);
  top_up();
  return {};
}

void uring_buffers::top_up() {
  while (in_ring_ < most_in_ring_ && !spare_.empty()) {
    put_into_ring(spare_.back());
    spare_.pop_back();
  }
}

void uring_buffers::put(std::uint32_t id) {
  if (in_ring_ < most_in_ring_) return put_into_ring(id);
  spare_.push_back(id);
}

void uring_buffers::put_into_ring(std::uint32_t id) {
  io_uring_buf_ring_add(ring_.get(), address(id), size_bytes_, static_cast<unsigned short>(id),
                        io_uring_buf_ring_mask(count_), 0);
  io_uring_buf_ring_advance(ring_.get(), 1);
  in_ring_++;
}

void uring_buffers::append(buffer_chain& chain, std::uint32_t id, const payload& filled_with) {
  assert(!spilled(id) && in_ring_ > 0);
  in_ring_--;
  chained_++;
  filled_[id].with = filled_with;
  (chain.count == 0 ? chain.first : filled_[chain.last].next) = id;
  chain.last = id;
  chain.count++;
}

void uring_buffers::take_back(std::uint32_t id) {
  assert(!spilled(id) && in_ring_ > 0);
  in_ring_--;
  put(id);
}

lent_buffer uring_buffers::pop(buffer_chain& chain) {
  assert(chain.count > 0);
  const std::uint32_t id = chain.first;
  const filled& oldest = filled_[id];
  chain.first = oldest.next;
  chain.count--;
  if (!spilled(id)) chained_--;
  const char* start = spilled(id) ? oldest.heap.get() : address(id);
  return {{start + oldest.with.offset, oldest.with.length_bytes}, id, oldest.with.received_at};
}

void uring_buffers::give_back(std::uint32_t id) {
  if (!spilled(id)) return put(id);
  filled_[id].heap.reset();
  unused_heap_ids_.push_back(id);
}

void uring_buffers::give_back_all(buffer_chain& chain) {
  while (chain.count > 0) give_back(pop(chain).id);
}

std::uint32_t uring_buffers::to_heap(std::uint32_t id) {
  if (unused_heap_ids_.empty()) {
    unused_heap_ids_.push_back(static_cast<std::uint32_t>(filled_.size()));
    filled_.emplace_back();
  }
  const std::uint32_t heap_id = unused_heap_ids_.back();
  unused_heap_ids_.pop_back();
  filled& copy = filled_[heap_id];
  copy.with = filled_[id].with;
  copy.heap = std::make_unique_for_overwrite<char[]>(copy.with.length_bytes);
  std::memcpy(copy.heap.get(), address(id) + std::exchange(copy.with.offset, 0), copy.with.length_bytes);
  return heap_id;
}

void uring_buffers::spill(buffer_chain& chain) {
  buffer_chain moved;
  while (chain.count > 0) {
    std::uint32_t id = chain.first;
    chain.first = filled_[id].next;
    chain.count--;
    if (!spilled(id)) {
      const std::uint32_t heap_id = to_heap(id);
      put(id);
      chained_--;
      id = heap_id;
    }
    (moved.count == 0 ? moved.first : filled_[moved.last].next) = id;
    moved.last = id;
    moved.count++;
  }
  chain = moved;
}

}  // namespace assay::detail
