// How many messages a writer has not handed to the kernel yet, in constant memory.
//
// The writer counts bytes, not messages. A mark is a place in what was appended; once the writer has sent up to it, the
// messages before it are gone, and the mark moves to the end. So the count may be too high by what was appended while
// the bytes up to the mark were on their way, never too low.
//
// Misuse: appending to the writer without telling the meter. Its places would not be the writer's any more.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay::websocket {

class queue_meter {
 public:
  // `pending_bytes` are the writer's, in this moment.
  explicit queue_meter(std::size_t pending_bytes) : bytes_(pending_bytes), mark_bytes_(pending_bytes) {}

  void on_append(std::size_t size_bytes) {
    bytes_ += size_bytes;
    messages_++;
  }

  std::uint64_t queued(std::size_t pending_bytes) {
    if (bytes_ - pending_bytes >= mark_bytes_) {
      gone_ = mark_messages_;
      mark_bytes_ = bytes_;
      mark_messages_ = messages_;
    }
    if (pending_bytes == 0) gone_ = messages_;
    return messages_ - gone_;
  }

 private:
  std::uint64_t bytes_;  // appended in all
  std::uint64_t messages_ = 0;
  std::uint64_t mark_bytes_;
  std::uint64_t mark_messages_ = 0;
  std::uint64_t gone_ = 0;  // messages known to be with the kernel
};

}  // namespace assay::websocket
