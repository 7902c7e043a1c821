// The body of an order, as JSON or refused.
//
// Misuse: an order of the client's order. Lines are taken by ascending item, so that two orders lock alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

struct order_line {
  std::int32_t item_id = 0;
  std::int32_t quantity = 0;
};

struct order_body {
  std::string customer;
  std::vector<order_line> lines;  // by ascending item_id
};

std::optional<order_body> parse_order(std::string_view json);

// 8-4-4-4-12 hex digits.
bool is_uuid(std::string_view text);

}  // namespace shop
