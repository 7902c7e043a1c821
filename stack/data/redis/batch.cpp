#include "stack/data/redis/batch.hpp"

#include <cassert>

namespace assay::data::redis {
namespace {

void append_count(std::string& to, char type, std::size_t count) {
  std::array<char, 24> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), count);
  to.push_back(type);
  to.append(digits.data(), written.ptr).append("\r\n");
}

}  // namespace

batch& batch::add_words(std::span<const word> words) {
  assert(!words.empty() && "a command has a name");
  append_count(bytes_, '*', words.size());
  for (const word& each : words) {
    const std::string_view text = each.text();
    append_count(bytes_, '$', text.size());
    bytes_.append(text).append("\r\n");
  }
  size_++;
  return *this;
}

batch& batch::append(const batch& other) {
  bytes_.append(other.bytes_);
  size_ += other.size_;
  return *this;
}

}  // namespace assay::data::redis
