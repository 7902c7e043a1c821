// The shop: what its handlers share on their loop. subjects/README.md says what each must answer.
//
// Misuse: a second loop on one of these. Nothing in here is locked; one shop a loop.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "stack/data/postgres.hpp"
#include "stack/guard/layer.hpp"
#include "stack/http/router.hpp"
#include "stack/http/static_files.hpp"

namespace shop {

inline constexpr std::size_t max_body_bytes = 64 * 1024;

struct shop {
  assay::offload_pool& workers;
  assay::data::pool db;
  assay::http::client quotes;
  assay::guard::exchange ask;  // for a quote, with every guard
  assay::http::static_files images;
  assay::http::router routes;
};

void add_routes(shop& to);
assay::task<assay::http::response> order(shop* of, assay::http::request& asked);
assay::task<assay::http::response> checksum(shop* of, assay::http::request& asked);

// {"error":"<code>"}, once it has passed guard::json_errors.
using assay::http::response;
inline response refuse(int status, std::string_view code) { return response::refused(status, code); }
inline response database_failure() { return response::unavailable("database"); }  // unreachable, too slow, too busy
inline response body_failure(const assay::error& failure) {
  return failure.code == assay::errc::limit ? refuse(413, "too_large") : response::for_body(failure);
}

std::string sha256_hex(std::string_view text);
std::string checksum_of(const std::string& body);

// The member of an object that is a whole number from `least`, which is not negative, to `most`.
std::optional<std::int64_t> whole(const nlohmann::json& of, const char* key, std::int64_t least, std::int64_t most);

struct order_line {
  std::int64_t item_id = 0;
  std::int64_t quantity = 0;
};
struct order_body {
  std::string customer;
  std::vector<order_line> lines;  // by ascending item_id, so that two orders lock alike
};
std::optional<order_body> parse_order(std::string_view json);

}  // namespace shop
