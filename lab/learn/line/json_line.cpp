#include "lab/learn/line/json_line.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lab/learn/line/json_scan.hpp"
#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t longest_prefix = 64;  // "caddy  | " of a log that a container's runtime prints
constexpr std::string_view access_logger = "http.log.access";
constexpr std::size_t field_count = 32;
static_assert(static_cast<std::size_t>(field::kept_alive) < field_count);

class json_parser : public line_parser, private json_leaves {
 public:
  explicit json_parser(json_mapping mapping) : mapping_(std::move(mapping)) {}

  std::string_view name() const override { return mapping_.name; }

  std::expected<access_line, line_fault> parse(std::string_view line) override {
    if (const auto sound = check_line(line); !sound) return std::unexpected(sound.error());
    const std::size_t brace = line.substr(0, longest_prefix).find('{');
    const bool begins = brace != std::string_view::npos && line.substr(0, brace).find('"') == std::string_view::npos;
    if (!begins) return std::unexpected(line_fault::not_json);
    builder_.begin(mapping_.stamp_is);
    fault_ = {};
    seen_.fill(false);
    is_marked_ = mapping_.marker.empty();
    is_other_ = false;
    if (!scanner_.scan(line.substr(brace), *this)) return std::unexpected(line_fault::not_json);
    if (is_other_ || !is_marked_) return std::unexpected(line_fault::aside);
    if (!fault_) return std::unexpected(fault_.error());
    if (!builder_.has_status()) return std::unexpected(line_fault::no_field);
    return builder_.finish();
  }

 private:
  void leaf(std::string_view path, std::string_view text) override {
    if (path == mapping_.marker) is_marked_ = true;
    if (path == "logger" && mapping_.name == "caddy" && !text.starts_with(access_logger)) is_other_ = true;
    for (const json_key& each : mapping_.keys) {
      if (each.path != path) continue;
      bool& seen = seen_[static_cast<std::size_t>(each.what)];
      if (seen || text.empty()) return;
      seen = true;
      if (const auto set = builder_.set(each.what, text); !set && fault_) fault_ = set;
      return;
    }
  }

  json_mapping mapping_;
  json_scanner scanner_;
  line_builder builder_;
  std::expected<void, line_fault> fault_;
  std::array<bool, field_count> seen_{};  // by field: the first value counts
  bool is_marked_ = false;
  bool is_other_ = false;
};

// HAR keeps headers as a list of names and values.
class har_parser : public line_parser, private json_leaves {
 public:
  std::string_view name() const override { return "har"; }

  std::expected<access_line, line_fault> parse(std::string_view entry) override {
    builder_.begin(stamped::start);
    fault_ = {};
    header_ = {};
    body_bytes_ = content_bytes_ = "-1";
    if (!scanner_.scan(entry, *this)) return std::unexpected(line_fault::not_json);
    if (!fault_) return std::unexpected(fault_.error());
    if (!builder_.has_status()) return std::unexpected(line_fault::no_field);
    const auto sized = builder_.set(field::bytes, body_bytes_ == "-1" ? content_bytes_ : body_bytes_);
    if (!sized) return std::unexpected(sized.error());
    auto line = builder_.finish();
    if (line) line->address = "browser";  // one recording, one client
    return line;
  }

 private:
  void set(field what, std::string_view text) {
    if (const auto done = builder_.set(what, text); !done && fault_) fault_ = done;
  }
  void leaf(std::string_view path, std::string_view text) override {
    constexpr std::array keys{std::pair{std::string_view("startedDateTime"), field::stamp},
                              std::pair{std::string_view("time"), field::took_ms},
                              std::pair{std::string_view("request.method"), field::method},
                              std::pair{std::string_view("request.url"), field::target},
                              std::pair{std::string_view("request.httpVersion"), field::protocol},
                              std::pair{std::string_view("response.status"), field::status}};
    for (const auto& [name, what] : keys) {
      if (path == name) return set(what, text);
    }
    if (path == "response.bodySize") body_bytes_ = text;
    if (path == "response.content.size") content_bytes_ = text;
    if (path == "request.headers.name") header_ = text;
    if (path != "request.headers.value") return;
    const auto is = [&](std::string_view wanted) {
      return std::ranges::equal(header_, wanted, [](char a, char b) { return (a | 0x20) == b; });
    };
    if (is("user-agent")) set(field::agent, text);
    if (is("referer")) set(field::referer, text);
    if (is("host")) set(field::vhost, text);
  }

  json_scanner scanner_;
  line_builder builder_;
  std::expected<void, line_fault> fault_;
  std::string_view header_, body_bytes_, content_bytes_;
};

// A row of names that are usual for one field.
void add(json_mapping& to, field what, std::initializer_list<const char*> paths) {
  for (const char* path : paths) to.keys.push_back({.path = path, .what = what});
}

}  // namespace

std::expected<json_mapping, std::string> parse_mapping(std::string_view text) {
  json_mapping made{.name = "json", .marker = {}, .keys = {}};
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find(','));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    const std::size_t equals = pair.find('=');
    const auto what = field_named(pair.substr(0, equals));
    if (!what || equals == std::string_view::npos || equals + 1 == pair.size()) {
      return std::unexpected("expected FIELD=MEMBER, \"" + std::string(pair) + "\" is none; fields are " +
                             field_names());
    }
    if (made.keys.size() == max_json_keys) return std::unexpected("expected at most 64 members");
    made.keys.push_back({.path = std::string(pair.substr(equals + 1)), .what = *what});
  }
  const auto has = [&](field what) { return std::ranges::find(made.keys, what, &json_key::what) != made.keys.end(); };
  const bool is_request = has(field::request) || (has(field::method) && (has(field::target) || has(field::path)));
  if (!(has(field::stamp) || has(field::start)) || !is_request || !has(field::status)) {
    return std::unexpected("expected a member for time, for request (or method and target), and for status");
  }
  return made;
}

parser_pointer make_json_parser(json_mapping mapping) { return std::make_unique<json_parser>(std::move(mapping)); }

parser_pointer make_har_parser() { return std::make_unique<har_parser>(); }

json_mapping caddy_mapping() {
  json_mapping made{.name = "caddy", .marker = "request.method", .keys = {}};
  add(made, field::stamp, {"ts"});
  add(made, field::address, {"request.remote_ip", "request.remote_addr"});
  add(made, field::user, {"user_id"});
  add(made, field::method, {"request.method"});
  add(made, field::vhost, {"request.host"});
  add(made, field::target, {"request.uri"});
  add(made, field::protocol, {"request.proto"});
  add(made, field::agent, {"request.headers.User-Agent"});
  add(made, field::referer, {"request.headers.Referer"});
  add(made, field::forwarded_for, {"request.client_ip", "request.headers.X-Forwarded-For"});
  add(made, field::status, {"status"});
  add(made, field::bytes, {"size"});
  add(made, field::request_bytes, {"bytes_read"});
  add(made, field::took_s, {"duration"});
  return made;
}

json_mapping traefik_mapping() {
  json_mapping made{.name = "traefik-json", .marker = "RequestMethod", .keys = {}};
  add(made, field::start, {"StartUTC"});
  add(made, field::stamp, {"time"});
  add(made, field::address, {"ClientHost", "ClientAddr"});
  add(made, field::user, {"ClientUsername"});
  add(made, field::method, {"RequestMethod"});
  add(made, field::vhost, {"RequestHost"});
  add(made, field::target, {"RequestPath"});
  add(made, field::protocol, {"RequestProtocol"});
  add(made, field::agent, {"request_User-Agent"});
  add(made, field::referer, {"request_Referer"});
  add(made, field::forwarded_for, {"request_X-Forwarded-For"});
  add(made, field::status, {"DownstreamStatus"});
  add(made, field::bytes, {"DownstreamContentSize"});
  add(made, field::request_bytes, {"RequestContentSize"});
  add(made, field::took_ns, {"Duration"});
  return made;
}

json_mapping envoy_mapping() {
  json_mapping made{.name = "envoy-json", .marker = "response_code", .keys = {}};
  add(made, field::start, {"start_time"});
  add(made, field::address, {"downstream_remote_address"});
  add(made, field::method, {"method"});
  add(made, field::vhost, {"authority"});
  add(made, field::target, {"path", "x_envoy_original_path"});
  add(made, field::protocol, {"protocol"});
  add(made, field::agent, {"user_agent"});
  add(made, field::referer, {"referer"});
  add(made, field::forwarded_for, {"x_forwarded_for"});
  add(made, field::status, {"response_code"});
  add(made, field::bytes, {"bytes_sent"});
  add(made, field::took_ms, {"duration"});
  add(made, field::upstream_ms, {"upstream_service_time"});
  add(made, field::request_bytes, {"bytes_received"});
  return made;
}

json_mapping usual_mapping() {
  json_mapping made{.name = "json", .marker = {}, .keys = {}};
  add(made, field::stamp, {"time_iso8601", "time_local", "msec", "time", "timestamp", "@timestamp", "ts", "datetime"});
  add(made, field::address, {"remote_addr", "remote_ip", "client_ip", "client", "ip"});
  add(made, field::user, {"remote_user", "user"});
  add(made, field::request, {"request"});
  add(made, field::method, {"request_method", "method", "http_method", "verb"});
  add(made, field::vhost, {"http_host", "host", "server_name", "vhost"});
  add(made, field::target, {"request_uri", "uri", "url", "path", "target"});
  add(made, field::protocol, {"server_protocol", "protocol"});
  add(made, field::agent, {"http_user_agent", "user_agent", "agent", "userAgent"});
  add(made, field::referer, {"http_referer", "http_referrer", "referer", "referrer"});
  add(made, field::forwarded_for, {"http_x_forwarded_for", "x_forwarded_for"});
  add(made, field::status, {"status", "status_code", "statusCode", "http_status", "code"});
  add(made, field::bytes, {"body_bytes_sent", "bytes", "size", "response_size", "response_bytes"});
  add(made, field::wire_bytes, {"bytes_sent"});
  add(made, field::upstream_s, {"upstream_response_time"});
  add(made, field::request_bytes, {"request_length"});
  add(made, field::on_connection, {"connection_requests"});
  add(made, field::took_s, {"request_time", "duration_s", "took_s", "latency_s"});
  add(made, field::took_ms, {"duration_ms", "took_ms", "latency_ms", "response_time_ms", "elapsed_ms"});
  return made;
}

}  // namespace assay::learn
