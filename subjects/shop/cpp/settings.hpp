// What the shop is told by its environment, checked before anything starts.
//
// Misuse: reading the environment elsewhere. A typo would then be found by the first request that needs it.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

namespace shop {

struct settings {
  std::uint16_t port = 8080;
  std::string database_url;
  std::string third_party_host;
  std::uint16_t third_party_port = 80;
  std::string image_dir = "subjects/shop/images";
};

// The failure is one line for whoever started it.
std::expected<settings, std::string> settings_from_environment();

}  // namespace shop
