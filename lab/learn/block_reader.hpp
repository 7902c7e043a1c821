// A window over the bytes of an input: what is buffered, and more behind it on demand.
//
// Misuse: keeping a view over a fill(); what is buffered moves to make room.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/byte_source.hpp"

namespace assay::learn {

inline constexpr std::size_t block_bytes = std::size_t{256} * 1024;

class block_reader {
 public:
  explicit block_reader(byte_source bytes) : bytes_(std::move(bytes)), buffer_(block_bytes) {}

  std::string_view buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void drop(std::size_t count) { begin_ += count; }
  // Reads more behind what is buffered; false at the end of the input, and when a whole block is buffered.
  std::expected<bool, std::string> fill();

  bool is_regular() const { return bytes_.is_regular(); }
  bytes_read finish() { return bytes_.finish(); }

 private:
  byte_source bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace assay::learn
