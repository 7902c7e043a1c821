// The shop's answers: JSON, and one form for every error.
//
// Misuse: putting text from outside into JSON without append_text().
#pragma once

#include <string>
#include <string_view>

#include "stack/data/sql_error.hpp"
#include "stack/http/handler.hpp"

namespace shop {

inline constexpr std::size_t max_body_bytes = 64 * 1024;

// {"error": "<code>"}; the code is a name of ours.
assay::http::response refuse(int status, std::string_view code);
// What the database did not do: unreachable, too slow, too busy.
assay::http::response database_failure();
// The whole body, or errc::limit when it has more than max_body_bytes. The server's own limit is wider, so that the
// refusal is in the shop's words.
assay::task<assay::result<std::string>> read_body(assay::http::request& asked);
assay::http::response body_failure(const assay::error& failure);

// Appends `text`, valid UTF-8, as a JSON string with its quotes.
void append_text(std::string& to, std::string_view text);

}  // namespace shop
