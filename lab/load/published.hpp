// A value that one thread writes now and then and any other may read, without a lock: who reads waits for nobody, and
// gets the whole of one version or nothing.
//
// Each word is written with release and read with acquire: who has read a word of a later version sees the version
// changed, too (a seqlock; Boehm, Can seqlocks get along with programming language memory models?, MSPC 2012).
//
// Misuse: two writers at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>

namespace assay::load {

template <class T>
class published {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // Versions are above zero.
  void write(std::uint64_t version, const T& value) {
    std::array<std::uint64_t, words> plain{};
    std::memcpy(plain.data(), &value, sizeof(T));
    version_.store(0, std::memory_order_relaxed);
    for (std::size_t i = 0; i < words; ++i) words_[i].store(plain[i], std::memory_order_release);
    version_.store(version, std::memory_order_release);
  }
  // Zero before the first, and for a moment between two.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  // Nothing when it holds another version.
  std::optional<T> read(std::uint64_t version) const {
    if (version_.load(std::memory_order_acquire) != version) return std::nullopt;
    std::array<std::uint64_t, words> plain;
    for (std::size_t i = 0; i < words; ++i) plain[i] = words_[i].load(std::memory_order_acquire);
    if (version_.load(std::memory_order_relaxed) != version) return std::nullopt;
    T value;
    std::memcpy(&value, plain.data(), sizeof(T));
    return value;
  }

 private:
  static constexpr std::size_t words = (sizeof(T) + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);

  std::atomic<std::uint64_t> version_{0};
  std::array<std::atomic<std::uint64_t>, words> words_{};
};

}  // namespace assay::load
