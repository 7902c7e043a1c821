#include "subjects/shop/cpp/images.hpp"

#include <fmt/format.h>

#include <fstream>

namespace shop {
namespace {

image_store::image read_image(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(max_image_bytes + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const auto count = static_cast<std::size_t>(file.gcount());
  if (file.bad() || count == 0 || count > max_image_bytes) return nullptr;
  return std::make_shared<const std::string>(bytes.substr(0, count));
}

}  // namespace

assay::task<assay::result<image_store::image>> image_store::get(assay::offload_pool& readers, std::size_t index) {
  image& kept = kept_.at(index);
  if (kept == nullptr) {
    assay::result<image> read =
        co_await readers.run([path = fmt::format("{}/{}.png", folder_, index)] { return read_image(path); });
    if (!read) co_return std::unexpected(read.error());
    kept = std::move(*read);
  }
  co_return kept;
}

}  // namespace shop
