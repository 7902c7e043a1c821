#include "lab/learn/line/owned_line.hpp"

#include <array>
#include <utility>

namespace assay::learn {
namespace {

constexpr std::array parts{&access_line::vhost,   &access_line::address, &access_line::user,
                           &access_line::method,  &access_line::target,  &access_line::protocol,
                           &access_line::referer, &access_line::agent,   &access_line::forwarded_for};

}  // namespace

void owned_line::keep(const access_line& line) {
  line_ = line;
  bytes_.clear();
  for (const auto part : parts) bytes_ += line.*part;
  const char* at = bytes_.data();
  for (const auto part : parts) {
    line_.*part = std::string_view(at, (line.*part).size());
    at += (line.*part).size();
  }
}

owned_line& owned_line::operator=(owned_line&& other) noexcept {
  // A short string moves with its bytes.
  bytes_ = std::move(other.bytes_);
  line_ = other.line_;
  other.line_ = {};
  const char* at = bytes_.data();
  for (const auto part : parts) {
    line_.*part = std::string_view(at, (line_.*part).size());
    at += (line_.*part).size();
  }
  return *this;
}

}  // namespace assay::learn
