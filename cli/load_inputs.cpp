#include "cli/load_inputs.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "lab/load/curl_line.hpp"
#include "lab/load/feeds.hpp"
#include "lab/load/har.hpp"
#include "lab/plan/read_requests.hpp"

namespace assay::cli {
namespace {

using recorded = std::expected<std::vector<load::recorded_request>, std::string>;

recorded read_recorded(const load_arguments& typed) {
  if (!typed.har.empty()) {
    recorded read = load::read_har(typed.har);
    return read ? std::move(read) : std::unexpected("--har " + read.error());
  }
  std::vector<load::recorded_request> all;
  for (const std::string& each : typed.curl) {
    recorded read = load::read_curl(each);
    if (!read) return read;
    all.insert(all.end(), read->begin(), read->end());
  }
  return all;
}

}  // namespace

std::expected<std::string, std::string> read_load_inputs(const load_arguments& typed, load::load_options& into) {
  for (const std::string& each : typed.feeds) {
    auto feed = load::parse_feed(each);
    if (!feed) return std::unexpected(feed.error());
    if (!into.feeds.insert(std::move(*feed)).second) {
      return std::unexpected(fmt::format("--feed \"{}\": this name has one already", each));
    }
  }
  for (const std::string& each : typed.checks) {
    if (const auto added = into.checks.add(each); !added) return std::unexpected(added.error());
  }
  if (!typed.requests.empty()) {
    auto routes = plan::read_requests(typed.requests);
    if (!routes) return std::unexpected("--requests " + routes.error());
    into.routes = std::move(*routes);
  }
  if (typed.curl.empty() && typed.har.empty()) {
    if (!typed.url) return std::unexpected("url is required; see --help");
    return std::string();
  }
  recorded requests = read_recorded(typed);
  if (!requests) return std::unexpected(requests.error());
  auto made = load::load_of(*requests, into.url, into.feeds);
  if (!made) return std::unexpected(made.error());
  into.url = std::move(made->url);
  into.routes = std::move(made->routes);
  if (made->left_out == 0) return std::string();
  return fmt::format("{} of {} requests are left out: they are to others than the first", made->left_out,
                     requests->size());
}

}  // namespace assay::cli
