// What the fuzz targets share: a check that stays on in every build, exact copies, and cuts that depend on the input.
//
// Misuse: checking with assert(). A corpus replay in a release build would then run every input and see nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string_view>

namespace assay::fuzz {

inline void check(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "property violated: %s\n", property);
  std::abort();
}

// True when every byte of `part` is a byte of `whole`. std::less gives the order that < does not promise here.
inline bool lies_inside(std::string_view part, std::string_view whole) {
  if (part.empty()) return true;
  const std::less_equal<const char*> not_after;
  return not_after(whole.data(), part.data()) && not_after(part.data() + part.size(), whole.data() + whole.size());
}

// A heap block of exactly these bytes, so that AddressSanitizer sees a read of even one byte beyond.
class exact_copy {
 public:
  explicit exact_copy(std::string_view bytes) : size_(bytes.size()), bytes_(new char[bytes.size()]) {
    std::ranges::copy(bytes, bytes_.get());
  }
  [[nodiscard]] std::string_view view() const { return {bytes_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<char[]> bytes_;
};

// Sizes of pieces to cut an input into, mostly small. The same input gives the same cuts, so a finding reproduces.
class cutter {
 public:
  explicit cutter(std::string_view input) : state_(std::hash<std::string_view>{}(input) | 1U) {}

  // 1 .. left, for left > 0.
  [[nodiscard]] std::size_t next(std::size_t left) {
    state_ ^= state_ << 13;  // xorshift64 (Marsaglia 2003)
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    const std::uint64_t widest = (state_ >> 32) % 4 == 0 ? 64 : 4;
    return std::min<std::size_t>(left, 1 + state_ % widest);
  }

 private:
  std::uint64_t state_;
};

}  // namespace assay::fuzz
