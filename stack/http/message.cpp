#include "stack/http/message.hpp"

namespace assay::http {
namespace {

constexpr char lower(char byte) noexcept { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte; }

constexpr std::array<std::string_view, 10> method_texts = {"GET",     "HEAD",    "POST",  "PUT",   "DELETE",
                                                           "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER"};
static_assert(method_texts[static_cast<std::size_t>(method::other)] == "OTHER");

}  // namespace

method method_from(std::string_view text) noexcept {
  const auto exactly = [text](method candidate) {
    return text == to_string_view(candidate) ? candidate : method::other;
  };
  if (text.empty()) return method::other;
  switch (text.front()) {
    case 'G':
      return exactly(method::get);
    case 'H':
      return exactly(method::head);
    case 'D':
      return exactly(method::delete_);
    case 'C':
      return exactly(method::connect);
    case 'O':
      return exactly(method::options);
    case 'T':
      return exactly(method::trace);
    case 'P':
      if (text == "POST") return method::post;
      if (text == "PUT") return method::put;
      return exactly(method::patch);
    default:
      return method::other;
  }
}

std::string_view to_string_view(method verb) noexcept { return method_texts[static_cast<std::size_t>(verb)]; }

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept {
  if (left.size() != right.size()) return false;
  for (std::size_t index = 0; index < left.size(); ++index) {
    if (left[index] != right[index] && lower(left[index]) != lower(right[index])) return false;
  }
  return true;
}

std::optional<std::string_view> header_list::find(std::string_view name) const noexcept {
  for (const header_field& field : *this) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t header_list::count(std::string_view name) const noexcept {
  std::size_t matches = 0;
  for (const header_field& field : *this) matches += equals_ignoring_case(field.name, name) ? 1U : 0U;
  return matches;
}

}  // namespace assay::http
