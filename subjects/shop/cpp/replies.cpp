#include "subjects/shop/cpp/replies.hpp"

#include <fmt/format.h>

#include <iterator>

namespace shop {

using assay::http::response;

response refuse(int status, std::string_view code) {
  return response::json(fmt::format(R"({{"error":"{}"}})", code), status);
}

response database_failure() { return refuse(503, "database"); }

assay::task<assay::result<std::string>> read_body(assay::http::request& asked) {
  constexpr assay::error too_large{.code = assay::errc::limit, .what = "request body"};
  if (asked.head().body.length > max_body_bytes) co_return std::unexpected(too_large);
  std::string body;
  while (true) {
    const assay::result<std::string_view> piece = co_await asked.read();
    if (!piece) co_return std::unexpected(piece.error());
    if (piece->empty()) co_return body;
    if (piece->size() > max_body_bytes - body.size()) co_return std::unexpected(too_large);
    body.append(*piece);
  }
}

response body_failure(const assay::error& failure) {
  if (failure.code == assay::errc::limit) return refuse(413, "too_large");
  return refuse(failure.code == assay::errc::timed_out ? 408 : 400, "invalid_body");
}

void append_text(std::string& to, std::string_view text) {
  to += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      to += c;
    }
  }
  to += '"';
}

}  // namespace shop
