#include "stack/http/origin.hpp"

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>

#include "stack/net/resolver.hpp"

namespace assay::http {
namespace {

constexpr std::uint16_t usual_port = 80;

std::optional<std::uint16_t> parse_port(std::string_view digits) {
  std::uint16_t port = 0;
  const auto* const begin = std::to_address(digits.begin());
  const auto* const end = std::to_address(digits.end());
  const auto [stopped, failed] = std::from_chars(begin, end, port);
  if (failed != std::errc() || stopped != end || port == 0) return std::nullopt;
  return port;
}

bool is_host(std::string_view text) {
  return !text.empty() && text.find_first_of("/@?#:[] \t\r\n") == std::string_view::npos;
}

}  // namespace

std::expected<origin, std::string> origin_of(std::string_view url) {
  const auto wrong = [url](std::string_view what) {
    return std::unexpected("\"" + std::string(url) + "\": " + std::string(what));
  };
  constexpr std::string_view scheme = "http://";
  constexpr std::string_view expected = "expected http://host:port";
  if (!url.starts_with(scheme)) return wrong(expected);
  std::string_view authority = url.substr(scheme.size());
  if (authority.ends_with('/')) authority.remove_suffix(1);
  const bool in_brackets = authority.starts_with('[') && authority.contains(']');
  const std::size_t colon = authority.find(':', in_brackets ? authority.find(']') : 0);
  const auto port = colon == std::string_view::npos ? usual_port : parse_port(authority.substr(colon + 1));
  std::string_view host = authority.substr(0, colon);
  if (in_brackets && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (!is_host(host)) {
    return wrong(expected);
  }
  if (!port) return wrong(expected);
  const auto found = net::resolve_blocking(std::string(host), *port);
  if (!found) return wrong(describe(found.error()));
  return origin{.host = std::string(*port == usual_port ? authority.substr(0, colon) : authority),
                .address = found->front(),
                .others = {found->begin() + 1, found->end()}};
}

std::expected<std::vector<origin>, std::string> origins_of(std::string_view urls) {
  std::vector<origin> all;
  for (std::size_t from = 0; from <= urls.size();) {
    const std::size_t to = std::min(urls.find(',', from), urls.size());
    auto one = origin_of(urls.substr(from, to - from));
    if (!one) return std::unexpected(std::move(one.error()));
    all.push_back(std::move(*one));
    from = to + 1;
  }
  return all;
}

}  // namespace assay::http
