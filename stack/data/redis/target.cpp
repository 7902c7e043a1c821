#include "stack/data/redis/target.hpp"

#include <charconv>
#include <optional>

namespace assay::data::redis {
namespace {

constexpr std::string_view scheme = "redis://";
constexpr std::string_view tls_scheme = "rediss://";

std::unexpected<redis_error> refuse(const char* why, errc code = errc::invalid_argument) {
  redis_error refused = from_wait({.code = code, .what = "Redis URL"});
  refused.message = why;
  return std::unexpected(std::move(refused));
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "%41" becomes "A"; nullopt when a '%' is not followed by two hex digits.
std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded.push_back(text[at]);
      continue;
    }
    unsigned byte = 0;
    if (at + 2 >= text.size()) return std::nullopt;
    const char* const last = text.data() + at + 3;
    if (std::from_chars(text.data() + at + 1, last, byte, 16).ptr != last) return std::nullopt;
    decoded.push_back(static_cast<char>(byte));
    at += 2;
  }
  return decoded;
}

bool parse_user(std::string_view text, target& into) {
  const std::size_t colon = text.find(':');
  const std::optional<std::string> user = percent_decoded(text.substr(0, colon));
  if (!user) return false;
  into.user = *user;
  if (colon == std::string_view::npos) return true;
  const std::optional<std::string> password = percent_decoded(text.substr(colon + 1));
  if (password) into.password = *password;
  return password.has_value();
}

bool parse_host(std::string_view text, target& into) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    into.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = text.find(':');
    into.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }
  if (into.host.empty() || into.host.find_first_of(",?#%") != std::string::npos) return false;
  if (port.empty()) return true;
  const std::optional<std::uint16_t> number =
      port.starts_with(':') ? parse_number<std::uint16_t>(port.substr(1)) : std::nullopt;
  into.port = number.value_or(0);
  return into.port != 0;
}

}  // namespace

redis_result<target> target::parse(std::string_view url) {
  if (url.starts_with(tls_scheme)) return refuse("rediss:// is not supported", errc::unsupported);
  if (!url.starts_with(scheme)) return refuse("it does not begin with redis://");
  url.remove_prefix(scheme.size());
  target to;
  const std::size_t slash = url.find('/');
  std::string_view authority = url.substr(0, slash);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (!parse_user(authority.substr(0, at), to)) return refuse("user or password is not percent-encoded");
    authority.remove_prefix(at + 1);
  }
  if (!to.user.empty() && to.password.empty()) return refuse("a user without a password");
  if (!parse_host(authority, to)) return refuse("host or port");
  if (slash == std::string_view::npos || slash + 1 == url.size()) return to;
  const std::optional<unsigned> database = parse_number<unsigned>(url.substr(slash + 1));
  if (!database) return refuse("the database is no number");
  to.database = *database;
  return to;
}

std::expected<std::string, std::string> checked_url(std::string_view setting, std::string url) {
  if (url.empty()) return url;
  const redis_result<target> to = target::parse(url);
  if (to) return url;
  return std::unexpected(std::string(setting) + " is no URL of a Redis (" + to.error().message +
                         "); allowed: redis://[user[:password]@]host[:port][/database]");
}

}  // namespace assay::data::redis
