#include "lab/load/replay_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "stack/http/client.hpp"

namespace assay::load {
namespace {

using checked = std::expected<void, std::string>;

// Rules that need no one to ask for them, in the order in which they are looked at; those of --refuse come behind.
enum built_in : std::size_t { unsendable, body_cut, other_host, unsafe_method, built_ins };

// RFC 9110 section 9.2.1.
bool is_safe(std::string_view method) {
  constexpr std::array<std::string_view, 4> safe = {"GET", "HEAD", "OPTIONS", "TRACE"};
  return std::ranges::find(safe, method) != safe.end();
}

bool expects_body(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

}  // namespace

bool fits_pattern(std::string_view pattern, std::string_view text) {
  std::size_t in_pattern = 0;
  std::size_t in_text = 0;
  std::size_t after_star = std::string_view::npos;  // where to go on when what follows the last * does not fit
  std::size_t tried_from = 0;
  while (in_text < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      after_star = ++in_pattern;
      tried_from = in_text;
    } else if (in_pattern < pattern.size() && pattern[in_pattern] == text[in_text]) {
      ++in_pattern;
      ++in_text;
    } else if (after_star != std::string_view::npos) {
      in_pattern = after_star;
      in_text = ++tried_from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

bool replay_rules::pattern::matches(std::string_view of_method, std::string_view of_path) const {
  return (method == "*" || method == of_method) && fits_pattern(path, of_path);
}

std::expected<replay_rules::pattern, std::string> replay_rules::parse_pattern(std::string_view flag,
                                                                              const std::string& typed) {
  const std::size_t space = typed.find(' ');
  const bool is_pair = space != std::string::npos && typed.find(' ', space + 1) == std::string::npos;
  pattern made{.method = typed.substr(0, space), .path = is_pair ? typed.substr(space + 1) : "*"};
  const bool is_method = made.method == "*" || http::valid_request({.verb = made.method});
  const bool is_path = made.path.starts_with('/') || made.path.starts_with('*');
  if ((space != std::string::npos && !is_pair) || !is_method || !is_path) {
    return std::unexpected(fmt::format(
        "{} \"{}\": expected a method, and perhaps a path, as in \"POST /cart/*\" or \"* /admin/*\"", flag, typed));
  }
  return made;
}

std::expected<std::vector<replay_rules::pattern>, std::string> replay_rules::parse_patterns(
    std::string_view flag, const std::vector<std::string>& typed) {
  if (typed.size() > max_replay_rules) {
    return std::unexpected(fmt::format("{}: expected at most {} of them", flag, max_replay_rules));
  }
  std::vector<pattern> made;
  for (const std::string& each : typed) {
    auto read = parse_pattern(flag, each);
    if (!read) return std::unexpected(read.error());
    made.push_back(std::move(*read));
  }
  return made;
}

checked replay_rules::read_rewrites(const std::vector<std::string>& typed) {
  if (typed.size() > max_replay_rules) {
    return std::unexpected(fmt::format("--rewrite: expected at most {} of them", max_replay_rules));
  }
  for (const std::string& each : typed) {
    const std::size_t equals = each.find('=');
    const std::string from = each.substr(0, equals);
    const std::string to = equals == std::string::npos ? "" : each.substr(equals + 1);
    if (!from.starts_with('/') || !to.starts_with('/') || !http::valid_request({.target = to})) {
      return std::unexpected(fmt::format("--rewrite \"{}\": expected two begins of paths, as in \"/v1/=/v2/\"", each));
    }
    rewrites_.emplace_back(from, to);
  }
  return {};
}

checked replay_rules::read_headers(const replay_rule_texts& typed) {
  if (typed.set_headers.size() > max_replay_rules || typed.drop_headers.size() > max_replay_rules) {
    return std::unexpected(fmt::format("-H, --drop-header: expected at most {} of each", max_replay_rules));
  }
  for (const auto& [name, value] : typed.set_headers) {
    if (http::equals_ignoring_case(name, "host")) return std::unexpected("header -H Host: is --host here");
    if (!http::valid_request({.headers = {{name, value}}})) {
      return std::unexpected(fmt::format(
          "header -H \"{}: {}\": expected \"Name: value\" without control characters, and none of the framing", name,
          value));
    }
  }
  for (const std::string& name : typed.drop_headers) {
    if (!http::valid_request({.headers = {{name, ""}}})) {
      return std::unexpected(fmt::format("--drop-header \"{}\": expected the name of a field", name));
    }
  }
  if (!http::valid_request({.headers = {{"x", typed.host}}})) {
    return std::unexpected("--host: expected a name without control characters, or: recorded");
  }
  set_ = typed.set_headers;
  dropped_ = typed.drop_headers;
  return {};
}

std::expected<replay_rules, std::string> replay_rules::create(const replay_rule_texts& typed, std::string authority) {
  replay_rules made;
  made.authority_ = std::move(authority);
  made.unsafe_ = typed.unsafe;
  made.only_host_ = typed.only_host;
  made.host_ = typed.host;
  auto allowed = parse_patterns("--allow", typed.allow);
  if (!allowed) return std::unexpected(allowed.error());
  made.allowed_ = std::move(*allowed);
  auto refused = parse_patterns("--refuse", typed.refuse);
  if (!refused) return std::unexpected(refused.error());
  made.refused_ = std::move(*refused);
  if (const checked read = made.read_rewrites(typed.rewrite); !read) return std::unexpected(read.error());
  if (const checked read = made.read_headers(typed); !read) return std::unexpected(read.error());
  made.names_ = {"unsendable", "body_cut", "other_host", "unsafe_method"};
  for (const std::string& each : typed.refuse) made.names_.push_back("--refuse " + each);
  return made;
}

bool replay_rules::is_allowed(std::string_view method, std::string_view path) const {
  return unsafe_ || is_safe(method) ||
         std::ranges::any_of(allowed_, [=](const pattern& each) { return each.matches(method, path); });
}

bool replay_rules::can_be_sent(const model::traffic_request& request) const {
  http::client_request probe{.verb = std::string(request.method), .target = target_of(request)};
  model::each_field(request.fields, [&probe](std::string_view name, std::string_view value) {
    probe.headers.emplace_back(name, value);
  });
  probe.headers.emplace_back("x", host_of(request));
  // A tunnel carries no requests, and without a path there is nothing to ask for ("*", "host:443").
  return request.method != "CONNECT" && probe.target.starts_with('/') && http::valid_request(probe);
}

std::optional<std::size_t> replay_rules::refused_by(const model::traffic_request& request) const {
  if (!can_be_sent(request)) return unsendable;
  if (!request.whole) return body_cut;
  if (!only_host_.empty() && !http::equals_ignoring_case(request.host, only_host_)) return other_host;
  const std::string_view path = path_of(request.target);
  if (!is_allowed(request.method, path)) return unsafe_method;
  const auto rule =
      std::ranges::find_if(refused_, [&](const pattern& each) { return each.matches(request.method, path); });
  if (rule == refused_.end()) return std::nullopt;
  return built_ins + static_cast<std::size_t>(rule - refused_.begin());
}

bool replay_rules::replaces(std::string_view name) const {
  const auto is_it = [name](std::string_view other) { return http::equals_ignoring_case(name, other); };
  return std::ranges::any_of(dropped_, is_it) ||
         std::ranges::any_of(set_, [&](const auto& field) { return is_it(field.first); });
}

std::string_view replay_rules::host_of(const model::traffic_request& request) const {
  if (host_.empty() || (host_ == "recorded" && request.host.empty())) return authority_;
  return host_ == "recorded" ? request.host : std::string_view(host_);
}

std::string replay_rules::target_of(const model::traffic_request& request) const {
  for (const auto& [from, to] : rewrites_) {
    if (request.target.starts_with(from)) return to + std::string(request.target.substr(from.size()));
  }
  return std::string(request.target);
}

void replay_rules::render(const model::traffic_request& request, std::string& into) const {
  into.clear();
  into.append(request.method).append(" ").append(target_of(request)).append(" HTTP/1.1\r\nHost: ");
  into.append(host_of(request)).append("\r\n");
  model::each_field(request.fields, [&](std::string_view name, std::string_view value) {
    if (!replaces(name)) into.append(name).append(": ").append(value).append("\r\n");
  });
  for (const auto& [name, value] : set_) into.append(name).append(": ").append(value).append("\r\n");
  if (!request.body.empty() || expects_body(request.method)) {
    into.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  into.append("\r\n").append(request.body);
}

bool replay_rules::may_resend(const model::traffic_request& request) {
  http::client_request probe{.verb = std::string(request.method)};
  model::each_field(request.fields, [&probe](std::string_view name, std::string_view value) {
    if (http::equals_ignoring_case(name, "idempotency-key")) probe.headers.emplace_back(name, value);
  });
  return http::may_resend(probe);
}

}  // namespace assay::load
