// The origin that a setting names: "http://quotes.internal:9100".
//
//   const auto quotes = http::origin_of(std::getenv("QUOTES_URL"));   // or one line on what is wrong with it
//
// Misuse: on a loop. It may ask a name service, and blocks as long as that takes.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "stack/http/client.hpp"

namespace assay::http {

// "http://", a name or a numeric address (an IPv6 one in brackets), perhaps a port, perhaps a slash; nothing else. Of a
// name all addresses, in the name service's order.
std::expected<origin, std::string> origin_of(std::string_view url);
// Several hosts of one service: such URLs with commas between them.
std::expected<std::vector<origin>, std::string> origins_of(std::string_view urls);

}  // namespace assay::http
