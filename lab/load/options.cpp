#include "lab/load/options.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "lab/load/feeds.hpp"
#include "lab/load/record_memory.hpp"
#include "lab/load/redirect.hpp"
#include "lab/load/second_series.hpp"
#include "lab/load/stage_text.hpp"
#include "lab/load/workload.hpp"
#include "stack/http/client.hpp"

namespace assay::load {
namespace {

// Beside the connections: standard streams, the ring, epoll, eventfd, the resolver's sockets.
constexpr unsigned descriptors_a_thread = 8;
constexpr unsigned descriptors_spare = 16;
// With io_uring a connection that is closed keeps its descriptor until the next turn; so many may end in one
// (loop_options::max_turn_batch).
constexpr unsigned descriptors_closing = 256;

using checked = std::expected<void, std::string>;

std::unexpected<std::string> refuse(std::string why) { return std::unexpected(std::move(why)); }

std::string plain(double number) {
  std::array<char, 32> digits;
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), number, std::chars_format::general, 12).ptr;
  return {digits.data(), end};
}

// In quotes, and with '?' for what would break the line or the report it ends up in.
std::string in_quotes(std::string_view text) {
  std::string line = "\"" + std::string(text) + "\"";
  std::ranges::replace_if(line, [](char c) { return c < ' ' || c >= 0x7f; }, '?');
  return line;
}

// The bytes of a host name or IPv4 address, or of the IPv6 address within brackets.
bool is_host(std::string_view host, bool bracketed) {
  return !host.empty() && std::ranges::all_of(host, [bracketed](char c) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alphanumeric || c == '.' || (bracketed ? c == ':' || c == '%' : c == '-' || c == '_');
  });
}

struct split_url {
  std::string host;
  std::uint16_t port = 80;
  std::string target;
  std::string authority;
};

std::expected<split_url, std::string> split(const std::string& url) {
  constexpr std::string_view scheme = "http://";
  // The host goes into a header and the whole into a report: control characters would change what either says.
  if (!std::ranges::all_of(url, [](char c) { return c > ' ' && c < 0x7f; })) {
    return refuse("URL " + in_quotes(url) + ": expected printable ASCII without spaces; write others as %XX");
  }
  if (url.starts_with("https://")) return refuse("URL " + in_quotes(url) + ": https is not supported yet; use http://");
  if (!url.starts_with(scheme)) return refuse("URL " + in_quotes(url) + ": expected http://HOST[:PORT]/PATH");
  const std::string_view rest = std::string_view(url).substr(scheme.size());
  const auto path = rest.find_first_of("/?#");
  split_url parts;
  parts.authority = rest.substr(0, path);
  parts.target = path == std::string_view::npos ? "/" : rest.substr(path, rest.find('#') - path);
  if (!parts.target.starts_with('/')) parts.target.insert(0, "/");

  const std::string_view authority = parts.authority;
  if (authority.find('@') != std::string_view::npos) {
    return refuse("URL " + in_quotes(url) + ": expected http://HOST[:PORT]/PATH, without a user; see -H Authorization");
  }
  const bool bracketed = authority.starts_with('[');
  const auto host_end = bracketed ? authority.find(']') : authority.rfind(':');
  if (bracketed && host_end == std::string_view::npos)
    return refuse("URL " + in_quotes(url) + ": expected ']' after the address");
  parts.host = bracketed ? authority.substr(1, host_end - 1) : authority.substr(0, host_end);
  const std::string_view after = host_end == std::string_view::npos ? "" : authority.substr(host_end + bracketed);
  if (!is_host(parts.host, bracketed)) {
    return refuse("URL " + in_quotes(url) + ": expected http://HOST[:PORT]/PATH");
  }
  if (after.empty()) return parts;
  const auto [end, failed] = std::from_chars(after.data() + 1, after.data() + after.size(), parts.port);
  if (after[0] != ':' || failed != std::errc() || end != after.data() + after.size() || parts.port == 0) {
    return refuse("URL " + in_quotes(url) + ": expected a port from 1 to 65535 after the host");
  }
  return parts;
}

checked check_numbers(const load_options& options) {
  if (options.rate_per_s) {
    const double rate = *options.rate_per_s;
    if (!std::isfinite(rate) || rate <= 0 || rate > max_rate_per_s) {
      return refuse("rate -R " + plain(rate) + ": expected more than 0 and at most " + plain(max_rate_per_s) +
                    " requests per second");
    }
  }
  if (options.connections == 0 || options.connections > max_connections) {
    return refuse("connections -c: expected 1 to " + std::to_string(max_connections));
  }
  if (options.threads == 0 || options.threads > max_threads) {
    return refuse("threads -t: expected 1 to " + std::to_string(max_threads));
  }
  if (options.threads > options.connections) {
    return refuse("threads -t " + std::to_string(options.threads) + ": more than connections -c " +
                  std::to_string(options.connections) + "; each thread needs at least one");
  }
  if (options.length <= duration::zero() || options.length > max_length) {
    return refuse("duration -d: expected more than 0 and at most 7 days");
  }
  if (options.timeout <= duration::zero()) return refuse("--timeout: expected more than 0");
  if (options.follow > max_redirects) {
    return refuse("--follow: expected at most " + std::to_string(max_redirects) + " redirects");
  }
  if (options.per_connection == 0) return refuse("--per-connection: expected at least 1 request");
  return {};
}

checked check_tick(const load_options& options) {
  if (options.tick == duration::zero()) return {};
  if (!options.rate_per_s) return refuse("--tick: expected a rate with it, -R or --stage");
  if (options.tick < min_tick || options.tick > max_tick) return refuse("--tick: expected from 10us to 100ms");
  return {};
}

// Fills rate and length, which the stages stand for: their mean and their sum.
checked check_stages(load_options& options) {
  if (options.stages.size() > max_stages) {
    return refuse("--stage: " + std::to_string(options.stages.size()) +
                  " stages, those of repeated groups counted: expected at most " + std::to_string(max_stages));
  }
  duration whole{};
  double arrivals = 0;
  for (const stage& each : options.stages) {
    if (const checked sound = check_stage(each); !sound) return refuse("--stage at " + sound.error());
    whole += each.length;
    arrivals += each.arrivals();
    options.keep_seconds = options.keep_seconds || each.burst_of_per_s;
  }
  if (whole > max_length) return refuse("--stage: expected at most 7 days together");
  if (arrivals <= 0) return refuse("--stage: expected one with a rate above 0");
  options.length = whole;
  options.rate_per_s = arrivals / std::chrono::duration<double>(whole).count();
  return {};
}

// What a series of seconds holds of a run that needs them all.
checked check_seconds(const load_options& options) {
  const bool all = options.keep_seconds && seconds_to_keep(options.stages) == all_seconds;
  if (!all || options.length <= max_series_length) return {};
  return refuse("--stage: expected at most 24 h together where there is a burst");
}

// Raises the soft limit as far as needed; says what to do when the hard limit is in the way.
checked check_descriptors(const load_options& options) {
  const bool renews = options.renews_connections || options.per_connection != no_limit;
  const rlim_t closing = renews ? std::min(options.connections, descriptors_closing * options.threads) : 0;
  const rlim_t needed =
      options.connections + closing + rlim_t{options.threads} * descriptors_a_thread + descriptors_spare;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return {};
  if (limit.rlim_max >= needed) {
    limit.rlim_cur = needed;
    if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
  }
  const rlim_t possible = limit.rlim_max - std::min<rlim_t>(limit.rlim_max, needed - options.connections);
  return refuse("-c " + std::to_string(options.connections) + " needs " + std::to_string(needed) +
                " file descriptors, the limit of this process is " + std::to_string(limit.rlim_max) +
                ": raise it (ulimit -n " + std::to_string(needed) + ", or LimitNOFILE)" +
                (possible > 0 ? ", or use at most -c " + std::to_string(possible) : ""));
}

// Asks the client's own rule part by part, to name the part that breaks it.
checked check_request(const http::client_request& request) {
  if (!http::valid_request({.verb = request.verb})) {
    return refuse("method -m " + in_quotes(request.verb) + ": expected a word such as GET");
  }
  for (const auto& [name, value] : request.headers) {
    if (http::valid_request({.headers = {{name, value}}})) continue;
    const bool reserved = !name.empty() && http::valid_request({.headers = {{"x-" + name, value}}});
    return refuse("header -H " + in_quotes(std::string(name).append(": ").append(value)) +
                  (reserved ? ": is the tool's, which frames the request"
                            : ": expected \"Name: value\" without control characters, and no space in the name"));
  }
  if (!http::valid_request(request))
    return refuse("path " + in_quotes(request.target) + ": expected what a URL may hold");
  return {};
}

// The routes of several requests, or of one with placeholders.
std::expected<request_source, std::string> bind_routes(load_options& options, const split_url& parts) {
  if (options.routes.empty()) {
    options.routes.push_back(route_with_feeds(
        {.method = options.method, .target = parts.target, .headers = options.headers, .body = options.body},
        options.feeds));
  } else if (parts.target != "/") {
    return refuse("URL " + in_quotes(options.url) + ": expected http://HOST[:PORT], the requests bring the path");
  } else {
    add_headers(options.routes, options.headers);
  }
  const std::size_t stages = std::max<std::size_t>(options.stages.size(), 1);
  if (options.routes.size() > max_routes || options.routes.size() * stages > max_phase_routes) {
    return refuse(std::to_string(options.routes.size()) + " different requests in " + std::to_string(stages) +
                  " stage(s): expected at most " + std::to_string(max_routes) + ", and " +
                  std::to_string(max_phase_routes) + " of both multiplied");
  }
  if (const checked bound = bind_feeds(options.routes, options.feeds); !bound) return refuse(bound.error());
  for (model::bound_route& each : options.routes) {
    if (each.expected.empty()) each.expected = options.checks.statuses();
  }
  if (options.routes.size() == 1) options.method = options.routes.front().method;
  return request_source::create(options.routes, parts.authority, options.seed);
}

}  // namespace

std::expected<load_plan, std::string> normalize(load_options options) {
  if (!options.stages.empty()) {
    if (const checked stages = check_stages(options); !stages) return refuse(stages.error());
  }
  if (const checked numbers = check_numbers(options); !numbers) return refuse(numbers.error());
  if (const checked tick = check_tick(options); !tick) return refuse(tick.error());
  std::expected<split_url, std::string> parts = split(options.url);
  if (!parts) return refuse(parts.error());
  if (const checked seconds = check_seconds(options); !seconds) return refuse(seconds.error());
  if (const checked descriptors = check_descriptors(options); !descriptors) return refuse(descriptors.error());

  const http::client_request request{
      .verb = options.method, .target = parts->target, .headers = options.headers, .body = options.body};
  if (const checked sendable = check_request(request); !sendable) return refuse(sendable.error());
  load_plan plan;
  if (options.routes.empty() && options.feeds.empty()) {
    plan.verb = http::method_from(options.method);
    plan.may_resend = http::may_resend(request);
    http::append_request(plan.request, request, parts->authority);
  } else {
    std::expected<request_source, std::string> several = bind_routes(options, *parts);
    if (!several) return refuse(several.error());
    plan.several = std::move(*several);
  }
  const checked memory = check_record_memory({.routes = plan.several ? plan.several->size() : 1,
                                              .stages = std::max<std::size_t>(options.stages.size(), 1),
                                              .threads = options.threads});
  if (!memory) return refuse(memory.error());
  plan.authority = std::move(parts->authority);
  plan.host = std::move(parts->host);
  plan.port = parts->port;
  plan.options = std::move(options);
  return plan;
}

}  // namespace assay::load
