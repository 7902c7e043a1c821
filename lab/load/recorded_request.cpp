#include "lab/load/recorded_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "stack/http/message.hpp"

namespace assay::load {
namespace {

constexpr std::size_t longest_name = 60;

// "http://host:80" of "http://host:80/path?query#fragment"; and the rest without the fragment.
std::string_view origin_of(std::string_view url) {
  const std::size_t host = url.find("://") == url.npos ? 0 : url.find("://") + 3;
  return url.substr(0, std::min(url.find_first_of("/?#", host), url.size()));
}

std::string target_of(std::string_view url) {
  std::string_view rest = url.substr(origin_of(url).size());
  rest = rest.substr(0, rest.find('#'));
  return rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
}

model::bound_route route_of(const recorded_request& from, const feed_map& feeds) {
  const std::string_view origin = origin_of(from.url);
  const std::string_view authority = origin.substr(origin.find("://") + 3);
  model::bound_route made{.method = from.method, .target = target_of(from.url), .body = from.body};
  for (const auto& [name, value] : from.headers) {
    // The origin's own is written by whoever sends, to wherever that is.
    if (http::equals_ignoring_case(name, "host") && value == authority) continue;
    made.headers.emplace_back(name, value);
  }
  made.name = fmt::format("{} {}", made.method, made.target);
  if (made.name.size() > longest_name) made.name = made.name.substr(0, longest_name - 3) + "...";
  return route_with_feeds(std::move(made), feeds);
}

}  // namespace

std::expected<recorded_load, std::string> load_of(const std::vector<recorded_request>& requests, const std::string& to,
                                                  const feed_map& feeds) {
  if (requests.empty()) return std::unexpected("expected at least one request");
  const std::string_view origin = origin_of(requests.front().url);
  recorded_load made{.url = to.empty() ? std::string(origin) : to, .routes = {}};
  std::vector<const recorded_request*> different;
  std::map<std::string, int> names;
  for (const recorded_request& each : requests) {
    if (origin_of(each.url) != origin) {
      ++made.left_out;
      continue;
    }
    const auto same = std::ranges::find_if(different, [&each](const auto* seen) { return *seen == each; });
    if (same != different.end()) {
      made.routes[static_cast<std::size_t>(same - different.begin())].weight += 1;
      continue;
    }
    different.push_back(&each);
    made.routes.push_back(route_of(each, feeds));
    std::string& name = made.routes.back().name;
    if (const int nth = ++names[name]; nth > 1) name += fmt::format(" #{}", nth);
  }
  return made;
}

}  // namespace assay::load
