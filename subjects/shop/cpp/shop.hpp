// The shop: what its handlers share on their loop. subjects/README.md says what each must answer.
//
// Misuse: a second loop on one of these. Nothing in here is locked; one shop a loop.
#pragma once

#include "stack/data/postgres.hpp"
#include "stack/http/client.hpp"
#include "stack/http/router.hpp"
#include "stack/runtime/offload.hpp"
#include "subjects/shop/cpp/images.hpp"
#include "subjects/shop/cpp/metrics.hpp"
#include "subjects/shop/cpp/settings.hpp"

namespace shop {

inline constexpr std::int64_t last_item = 1000;
inline constexpr auto statement_limit = std::chrono::seconds(2);
inline constexpr auto third_party_limit = std::chrono::seconds(2);
inline constexpr auto ready_limit = std::chrono::seconds(1);

class shop {
 public:
  shop(const settings& given, const assay::socket_address& third_party);

  // Answers any request, by the routes below.
  assay::task<assay::http::response> serve(assay::http::request& asked);

  // --- the routes ---
  assay::task<assay::http::response> item(const assay::http::path_parameters& path);
  assay::task<assay::http::response> list(assay::http::request& asked);
  assay::task<assay::http::response> price(const assay::http::path_parameters& path);
  assay::task<assay::http::response> image(const assay::http::path_parameters& path);
  assay::task<assay::http::response> order(assay::http::request& asked);
  assay::task<assay::http::response> checksum(assay::http::request& asked);
  assay::task<assay::http::response> live();
  assay::task<assay::http::response> ready();
  assay::task<assay::http::response> show_metrics();

 private:
  void add_routes();

  assay::offload_pool workers_;
  assay::data::pool db_;
  assay::http::client quotes_;
  image_store images_;
  metrics metrics_;
  assay::http::router routes_;
};

// 1..999999999, of one to nine digits; 0 when it is none.
std::int32_t parse_id(std::string_view text);

}  // namespace shop
