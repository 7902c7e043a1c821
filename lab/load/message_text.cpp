#include "lab/load/message_text.hpp"

#include <cassert>

namespace assay::load {
namespace {

constexpr std::size_t run_digits = 8;
constexpr std::size_t number_digits = 12;  // 281 million million messages
constexpr std::string_view hexadecimal = "0123456789abcdef";

void write_digits(char* to, std::uint64_t number, std::size_t count) {
  for (std::size_t i = count; i-- > 0; number >>= 4U) to[i] = hexadecimal[number & 0xf];
}

std::optional<std::uint64_t> read_digits(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char digit : digits) {
    const std::size_t value = hexadecimal.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    number = number << 4U | value;
  }
  return number;
}

}  // namespace

message_text::message_text(std::string_view text, std::uint32_t run) : prefix_("assay-") {
  const std::size_t digits_at = prefix_.size();
  prefix_.append(run_digits, '0').append("-");
  write_digits(prefix_.data() + digits_at, run, run_digits);
  const std::size_t at = text.find(message_placeholder);
  const bool placed = at != std::string_view::npos;
  text_ = placed ? text.substr(0, at) : std::string_view();
  text_.append(prefix_);
  digits_at_ = text_.size();
  text_.append(number_digits, '0');
  text_.append(placed ? "" : text.empty() ? "" : " ");
  text_.append(placed ? text.substr(at + message_placeholder.size()) : text);
}

std::string_view message_text::render(std::uint64_t number) {
  assert(number >> (4 * number_digits) == 0);
  write_digits(text_.data() + digits_at_, number, number_digits);
  return text_;
}

std::optional<std::uint64_t> message_text::number_in(std::string_view received) const {
  const std::size_t at = received.find(prefix_);
  if (at == std::string_view::npos || received.size() - at - prefix_.size() < number_digits) return std::nullopt;
  return read_digits(received.substr(at + prefix_.size(), number_digits));
}

}  // namespace assay::load
