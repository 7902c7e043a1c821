#include "stack/runtime/frame_pool.hpp"

#include <array>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define ASSAY_POOL_FRAMES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASSAY_POOL_FRAMES 0
#endif
#endif
#ifndef ASSAY_POOL_FRAMES
#define ASSAY_POOL_FRAMES 1
#endif

namespace assay::detail {
namespace {

constexpr std::size_t class_bytes = 64;
constexpr std::size_t class_count = 64;          // frames up to 4 KiB are pooled; larger ones are rare
constexpr std::size_t max_cached_frames = 4096;  // per class and thread: bounds what an old peak keeps

struct free_slot {
  free_slot* next;
};

struct thread_cache {
  struct size_class {
    free_slot* head = nullptr;
    std::size_t cached = 0;
  };
  std::array<size_class, class_count> classes;
  std::size_t live = 0;

  ~thread_cache() {
    for (auto& cls : classes) {
      while (cls.head != nullptr) {
        free_slot* slot = cls.head;
        cls.head = slot->next;
        ::operator delete(slot);
      }
    }
  }
};

thread_local thread_cache cache;

}  // namespace

void* allocate_frame(std::size_t size_bytes) {
  cache.live++;
  const std::size_t index = (size_bytes + class_bytes - 1) / class_bytes;
  if (!ASSAY_POOL_FRAMES || index >= class_count) return ::operator new(size_bytes);
  auto& cls = cache.classes[index];
  if (cls.head == nullptr) return ::operator new(index * class_bytes);
  free_slot* slot = cls.head;
  cls.head = slot->next;
  cls.cached--;
  return slot;
}

void free_frame(void* frame, std::size_t size_bytes) noexcept {
  cache.live--;
  const std::size_t index = (size_bytes + class_bytes - 1) / class_bytes;
  if (!ASSAY_POOL_FRAMES || index >= class_count) return ::operator delete(frame);
  auto& cls = cache.classes[index];
  if (cls.cached >= max_cached_frames) return ::operator delete(frame);
  auto* slot = static_cast<free_slot*>(frame);
  slot->next = cls.head;
  cls.head = slot;
  cls.cached++;
}

std::size_t live_frames() noexcept { return cache.live; }

}  // namespace assay::detail
