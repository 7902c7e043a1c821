// The formats that have a name.
#include <algorithm>
#include <array>
#include <cassert>

#include "lab/learn/line/columns.hpp"
#include "lab/learn/line/format_string.hpp"
#include "lab/learn/line/json_line.hpp"
#include "lab/learn/line/line_parser.hpp"
#include "lab/learn/line/recording.hpp"

namespace assay::learn {
namespace {

class clf_parser : public line_parser {
 public:
  std::string_view name() const override { return "combined"; }
  std::expected<access_line, line_fault> parse(std::string_view line) override {
    return parse_access_line(line, memo_);
  }

 private:
  stamp_memo memo_;
};

// The Kubernetes ingress controller of nginx.
constexpr std::string_view ingress =
    R"($remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" )"
    R"("$http_user_agent" $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] )"
    R"($upstream_addr $upstream_response_length $upstream_response_time $upstream_status $req_id)";

constexpr std::string_view envoy =
    R"([%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% )"
    R"(%RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% )"
    R"("%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%")";

// Istio's, with the reasons in the middle and addresses and route behind.
constexpr std::string_view istio =
    R"([%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% )"
    R"(%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% )"
    R"("%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% %DURATION% )"
    R"(%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" )"
    R"("%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS% )"
    R"(%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%)";

parser_pointer make_compiled(std::string_view name, std::string_view format) {
  auto pattern = compile_format(format);
  assert(pattern);
  pattern->open_end = true;
  return make_pattern_parser(std::string(name), std::move(*pattern));
}

// Traefik's common format: combined, then the request's number, frontend, backend and milliseconds. Its stamp is the
// request's start.
parser_pointer make_traefik_parser() {
  using enum field;
  return make_pattern_parser("traefik", {.before = {},
                                         .steps = {{address, " - "},
                                                   {user, " ["},
                                                   {start, "] \""},
                                                   {request, "\" "},
                                                   {status, " "},
                                                   {bytes, " \""},
                                                   {referer, "\" \""},
                                                   {agent, "\" "},
                                                   {skipped, " \""},
                                                   {skipped, "\" \""},
                                                   {skipped, "\" "},
                                                   {took_ms, "ms"}},
                                         .stamp_is = stamped::start});
}

// HAProxy's option httplog: the date is that of the request's arrival, the last of the timers the whole.
parser_pointer make_haproxy_parser() {
  using enum field;
  return make_pattern_parser("haproxy", {.before = {},
                                         .steps = {{address, " ["},
                                                   {start, "] "},
                                                   {skipped, " "},  // frontend
                                                   {skipped, " "},  // backend/server
                                                   {took_last_ms, " "},
                                                   {status, " "},
                                                   {wire_bytes, " "},
                                                   {skipped, " "},  // captured cookies
                                                   {skipped, " "},
                                                   {skipped, " "},    // how the session ended
                                                   {skipped, " \""},  // queues and captured headers
                                                   {request, "\""}},
                                         .stamp_is = stamped::start,
                                         .open_end = true,
                                         .behind = "]: "});
}

// S3's server access log; the stamp is when the request came.
parser_pointer make_s3_parser() {
  using enum field;
  return make_pattern_parser("s3", {.before = {},
                                    .steps = {{skipped, " "},  // bucket's owner
                                              {vhost, " ["},   // bucket
                                              {start, "] "},
                                              {address, " "},
                                              {user, " "},
                                              {skipped, " "},    // request's id
                                              {skipped, " "},    // operation
                                              {skipped, " \""},  // key
                                              {request, "\" "},
                                              {status, " "},
                                              {skipped, " "},  // error
                                              {bytes, " "},
                                              {skipped, " "},  // the object's size
                                              {took_ms, " "},
                                              {skipped, " \""},
                                              {referer, "\" \""},
                                              {agent, "\""}},
                                    .stamp_is = stamped::start,
                                    .open_end = true});
}

struct known_format {
  std::string_view name;
  std::string_view summary;
  parser_pointer (*make)();
};

constexpr std::array formats{
    known_format{"combined", "Apache's and nginx's combined and common, with a virtual host or without, nginx's main",
                 [] { return make_clf_parser(); }},
    known_format{"ingress", "nginx as Kubernetes ingress", [] { return make_compiled("ingress", ingress); }},
    known_format{"traefik", "Traefik's common format", make_traefik_parser},
    known_format{"envoy", "Envoy's default text", [] { return make_compiled("envoy", envoy); }},
    known_format{"istio", "Istio's text", [] { return make_compiled("istio", istio); }},
    known_format{"haproxy", "HAProxy's option httplog", make_haproxy_parser},
    known_format{"alb", "AWS application load balancers", make_alb_parser},
    known_format{"elb", "AWS classic load balancers", make_elb_parser},
    known_format{"s3", "S3 server access logs", make_s3_parser},
    known_format{"w3c", "W3C extended: IIS, CloudFront", make_w3c_parser},
    known_format{"caddy", "Caddy's JSON", [] { return make_json_parser(caddy_mapping()); }},
    known_format{"traefik-json", "Traefik's JSON", [] { return make_json_parser(traefik_mapping()); }},
    known_format{"envoy-json", "Envoy's JSON with the usual names", [] { return make_json_parser(envoy_mapping()); }},
    known_format{"json", "JSON lines with nginx's or other usual names",
                 [] { return make_json_parser(usual_mapping()); }},
    known_format{"har", "HTTP archives of a browser", make_har_parser},
    known_format{"goreplay", "GoReplay's .gor", make_recording_parser},
};

const known_format* find(std::string_view name) {
  if (name == "common") name = "combined";
  if (name == "iis" || name == "cloudfront") name = "w3c";
  const auto found = std::ranges::find(formats, name, &known_format::name);
  return found == formats.end() ? nullptr : &*found;
}

}  // namespace

parser_pointer make_clf_parser() { return std::make_unique<clf_parser>(); }

std::vector<std::string_view> format_names() {
  std::vector<std::string_view> names;
  for (const known_format& each : formats) names.push_back(each.name);
  return names;
}

parser_pointer make_parser(std::string_view name) {
  const known_format* known = find(name);
  return known == nullptr ? nullptr : known->make();
}

std::string_view format_summary(std::string_view name) {
  const known_format* known = find(name);
  return known == nullptr ? std::string_view() : known->summary;
}

}  // namespace assay::learn
