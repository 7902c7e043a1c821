#include "lab/load/stream_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "lab/load/options.hpp"
#include "stack/http/message.hpp"
#include "stack/http/websocket/utf8.hpp"
#include "stack/net/address.hpp"

namespace assay::load {
namespace {

constexpr std::string_view websocket_scheme = "ws://";
constexpr std::string_view secure_scheme = "wss://";
constexpr std::string_view http_scheme = "http://";
constexpr std::string_view handshake_fields =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
constexpr std::string_view event_fields = "Accept: text/event-stream\r\nCache-Control: no-cache\r\n";

using checked = std::expected<void, std::string>;

std::unexpected<std::string> refuse(std::string why) { return std::unexpected(std::move(why)); }

checked check_scheme(const stream_options& options) {
  const std::string_view url = options.url;
  if (url.starts_with(secure_scheme))
    return refuse(fmt::format("URL \"{}\": wss is not supported yet; use ws://", url));
  const std::string_view expected = options.events ? http_scheme : websocket_scheme;
  if (url.starts_with(expected)) return {};
  return refuse(fmt::format("URL \"{}\": expected {}HOST[:PORT]/PATH", url, expected));
}

bool sends(const stream_options& options) { return options.rate_per_s || !options.stages.empty(); }

checked check_message(const stream_options& options) {
  const bool says = options.message != stream_options{}.message;
  if (options.events && (sends(options) || options.broadcast || says)) {
    return refuse("--sse: the server sends, so -R, --stage, --message and --broadcast mean nothing with it");
  }
  if (options.broadcast && !sends(options)) return refuse("--broadcast: expected a rate of messages, -R or --stage");
  if (says && !sends(options)) return refuse("--message: expected a rate of messages, -R or --stage");
  if (options.message.size() > max_message_text_bytes) {
    return refuse(fmt::format("--message: expected at most {} bytes", max_message_text_bytes));
  }
  if (!websocket::is_utf8(options.message)) return refuse("--message: expected UTF-8");
  return {};
}

checked check_seconds_kept(const stream_options& options) {
  if (!options.keep_seconds || sends(options)) return {};
  if (options.events) return refuse("--ndjson, --prometheus: of events no seconds are kept; expected ws:// and -R");
  return refuse("--ndjson, --prometheus: expected a rate of messages, -R or --stage; idle connections say nothing");
}

checked check_lifetime(const stream_options& options) {
  if (options.lifetime == duration::zero()) return {};
  if (options.events || sends(options)) return refuse("--lifetime: of idle connections, ws:// without -R");
  if (options.lifetime < min_lifetime || options.lifetime > max_length) {
    return refuse("--lifetime: expected from 10ms to 7 days");
  }
  return {};
}

checked check_headers(const stream_options& options) {
  constexpr std::string_view reserved = "sec-websocket-";
  for (const auto& [name, value] : options.headers) {
    const bool of_handshake = http::equals_ignoring_case(std::string_view(name).substr(0, reserved.size()), reserved) &&
                              !http::equals_ignoring_case(name, "sec-websocket-protocol");
    if (!of_handshake && !http::equals_ignoring_case(name, "upgrade")) continue;
    return refuse(fmt::format("header -H \"{}\": is the tool's, which makes the handshake", name));
  }
  return {};
}

std::expected<std::vector<socket_address>, std::string> read_sources(const stream_options& options) {
  if (options.sources.size() > max_sources) return refuse(fmt::format("--source: expected at most {}", max_sources));
  std::vector<socket_address> read;
  for (const std::string& each : options.sources) {
    const result<socket_address> address = net::parse_address(each, 0);
    if (!address) return refuse(fmt::format("--source \"{}\": expected a numeric address of this machine", each));
    read.push_back(*address);
  }
  return read;
}

// The subprotocols of the fields "Sec-WebSocket-Protocol: a, b".
std::vector<std::string> protocols_of(const stream_options& options) {
  std::vector<std::string> protocols;
  for (const auto& [name, value] : options.headers) {
    if (!http::equals_ignoring_case(name, "sec-websocket-protocol")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view one = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      one.remove_prefix(std::min(one.size(), one.find_first_not_of(" \t")));
      one = one.substr(0, one.find_last_not_of(" \t") + 1);
      if (!one.empty()) protocols.emplace_back(one);
    }
  }
  return protocols;
}

model::stream_kind kind_of(const stream_options& options) {
  if (options.events) return model::stream_kind::events;
  if (!sends(options)) return model::stream_kind::idle;
  return options.broadcast ? model::stream_kind::broadcast : model::stream_kind::echo;
}

// The rules for addresses, headers, connections, rates, stages and times are those of a single request.
std::expected<load_plan, std::string> as_request(const stream_options& options) {
  load_options single;
  single.url = options.events ? options.url : "http://" + options.url.substr(websocket_scheme.size());
  single.rate_per_s = options.rate_per_s;
  single.tick = options.tick;
  single.length = options.length;
  single.stages = options.stages;
  single.keep_seconds = options.keep_seconds;
  single.connections = options.connections;
  single.headers = options.headers;
  single.timeout = options.timeout;
  std::expected<load_plan, std::string> plan = normalize(std::move(single));
  if (plan || options.events) return plan;
  std::string why = plan.error();
  for (auto at = why.find(http_scheme); at != std::string::npos; at = why.find(http_scheme)) {
    why.replace(at, http_scheme.size(), websocket_scheme);
  }
  return refuse(std::move(why));
}

}  // namespace

bool is_websocket_url(std::string_view url) {
  return url.starts_with(websocket_scheme) || url.starts_with(secure_scheme);
}

std::expected<stream_plan, std::string> normalize(stream_options options) {
  for (const auto check : {check_scheme, check_message, check_seconds_kept, check_lifetime, check_headers}) {
    if (const checked sound = check(options); !sound) return refuse(sound.error());
  }
  const double most = max_connects_per_s;
  if (!(options.connects_per_s > 0 && options.connects_per_s <= most)) {
    return refuse(
        fmt::format("--connect-rate {}: expected more than 0 and at most {} a second", options.connects_per_s, most));
  }
  if (options.connections / options.connects_per_s > std::chrono::duration<double>(max_length).count()) {
    return refuse(fmt::format("--connect-rate {}: expected to open {} connections within 7 days",
                              options.connects_per_s, options.connections));
  }
  std::expected<std::vector<socket_address>, std::string> sources = read_sources(options);
  if (!sources) return refuse(sources.error());
  std::expected<load_plan, std::string> request = as_request(options);
  if (!request) return refuse(request.error());
  stream_plan plan;
  plan.kind = kind_of(options);
  plan.host = std::move(request->host);
  plan.port = request->port;
  plan.request = std::move(request->request);
  plan.request.resize(plan.request.size() - 2);
  plan.request.append(options.events ? event_fields : handshake_fields);
  plan.protocols = protocols_of(options);
  plan.sources = std::move(*sources);
  plan.options = std::move(options);
  plan.options.rate_per_s = request->options.rate_per_s;  // of stages their mean, and their sum
  plan.options.length = request->options.length;
  plan.options.keep_seconds = request->options.keep_seconds;  // of bursts
  return plan;
}

}  // namespace assay::load
