#include "subjects/shop/cpp/settings.hpp"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace shop {
namespace {

std::string variable(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? "" : text;
}

std::optional<std::uint16_t> port_from(std::string_view digits) {
  std::uint16_t port = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, failed] = std::from_chars(digits.data(), end, port);
  if (failed != std::errc() || stopped != end) return std::nullopt;
  return port;
}

// "http://host:port", with or without a slash at its end.
bool parse_origin(std::string_view url, std::string& host, std::uint16_t& port) {
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) return false;
  url.remove_prefix(scheme.size());
  if (url.ends_with('/')) url.remove_suffix(1);
  const auto colon = url.rfind(':');
  host = url.substr(0, colon);
  if (host.empty() || host.find_first_of("/@?#") != std::string::npos) return false;
  if (colon == std::string_view::npos) return true;
  const std::optional<std::uint16_t> given = port_from(url.substr(colon + 1));
  port = given.value_or(0);
  return given.has_value();
}

}  // namespace

std::expected<settings, std::string> settings_from_environment() {
  settings given;
  if (const std::string port = variable("PORT"); !port.empty()) {
    const std::optional<std::uint16_t> parsed = port_from(port);
    if (!parsed) return std::unexpected("PORT is \"" + port + "\", expected a number up to 65535");
    given.port = *parsed;
  }
  given.database_url = variable("DATABASE_URL");
  if (given.database_url.empty()) return std::unexpected("DATABASE_URL is not set, expected postgresql://...");
  const std::string third_party = variable("THIRD_PARTY_URL");
  if (!parse_origin(third_party, given.third_party_host, given.third_party_port)) {
    return std::unexpected("THIRD_PARTY_URL is \"" + third_party + "\", expected http://host:port");
  }
  if (std::string images = variable("IMAGE_DIR"); !images.empty()) given.image_dir = std::move(images);
  return given;
}

}  // namespace shop
