// The images, read once each and kept: they are part of a release and do not change while it runs.
//
// Misuse: a directory of many files. There are eight, and none is larger than max_image_bytes.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "stack/runtime/offload.hpp"

namespace shop {

inline constexpr std::size_t image_count = 8;
inline constexpr std::size_t max_image_bytes = 1024 * 1024;

class image_store {
 public:
  using image = std::shared_ptr<const std::string>;

  explicit image_store(std::string folder) : folder_(std::move(folder)) {}

  // Null when there is no such file, or none that can be read. The first time it is read by `readers`, since a disk
  // may keep a loop waiting.
  assay::task<assay::result<image>> get(assay::offload_pool& readers, std::size_t index);

 private:
  std::string folder_;
  std::array<image, image_count> kept_;
};

}  // namespace shop
