// The bytes of a log, unpacked: plain, gzip or Zstandard, told apart by their first bytes and not by a name.
//
// The digest and the count are those of the bytes as they lie in the file. Memory is bounded whatever a file says of
// itself: a Zstandard window beyond 128 MiB is refused.
//
// Misuse: taking the end of an unpacked stream for the end of the file; several streams may follow one another, as log
// rotation and `cat` make them, and they are read as one.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace assay::learn {

struct bytes_read {
  std::uint64_t bytes = 0;
  std::string sha256;  // lower-case hexadecimal
};

class byte_source {
 public:
  // `path`, or standard input for "-". The error is one line that names the path, as every error here.
  static std::expected<byte_source, std::string> open(const std::string& path);
  ~byte_source();
  byte_source(byte_source&&) noexcept;
  byte_source& operator=(byte_source&&) noexcept;

  // At most `to.size()` bytes; 0 at the end. What precedes a fault in the file has been handed out before.
  std::expected<std::size_t, std::string> read(std::span<char> to);

  // Of a file that can be opened again: not a pipe.
  bool is_regular() const;
  // Of everything that was read; once, at the end.
  bytes_read finish();

 private:
  struct state;
  explicit byte_source(std::unique_ptr<state> made);
  std::unique_ptr<state> state_;
};

// "standard input" for "-".
std::string name_of(std::string_view path);

}  // namespace assay::learn
