#include "lab/load/redirect.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "stack/http/client.hpp"

namespace assay::load {
namespace {

constexpr std::string_view end_of_line = "\r\n";
constexpr std::string_view end_of_head = "\r\n\r\n";

bool is_field(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         http::equals_ignoring_case(line.substr(0, name.size()), name);
}

// Of the body that is left out.
bool is_of_body(std::string_view line) {
  constexpr std::array<std::string_view, 5> names{"content-length", "content-type", "content-encoding",
                                                  "content-language", "transfer-encoding"};
  return std::ranges::any_of(names, [line](std::string_view name) { return is_field(line, name); });
}

std::string_view trimmed_value(std::string_view value) {
  const auto first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

// Calls `line` with each line of the head after the first, until it returns false.
template <class Line>
void for_each_field(std::string_view request, const Line& line) {
  const std::string_view head = request.substr(0, request.find(end_of_head));
  for (auto end = head.find(end_of_line); end != std::string_view::npos;) {
    const auto begin = end + end_of_line.size();
    end = head.find(end_of_line, begin);
    if (!line(head.substr(begin, end == std::string_view::npos ? end : end - begin))) return;
  }
}

std::string_view host_sent(std::string_view request) {
  static constexpr std::string_view name = "host";
  std::string_view host;
  for_each_field(request, [&host](std::string_view line) {
    if (!is_field(line, name)) return true;
    host = trimmed_value(line.substr(name.size() + 1));
    return false;
  });
  return host;
}

std::string_view without_default_port(std::string_view authority) {
  constexpr std::string_view port = ":80";
  if (authority.ends_with(port)) authority.remove_suffix(port.size());
  return authority;
}

// RFC 3986, 5.2.4, of a path that begins with a slash.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  bool open_end = false;  // it ends with a slash
  for (std::string_view rest = path.substr(1);;) {
    const auto slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const bool dots = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!dots) kept.push_back(segment);
    open_end = dots;
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  std::string made;
  for (const std::string_view each : kept) made.append("/").append(each);
  if (open_end || made.empty()) made += '/';
  return made;
}

// A Location at this host: relative to the target that was asked for, or to the root.
struct reference {
  std::string_view relative;
  bool to_root = false;
};

std::optional<reference> reference_to(std::string_view location, std::string_view host) {
  const auto colon = location.find(':');
  if (colon != std::string_view::npos && colon < location.find_first_of("/?")) {
    const std::string_view scheme = location.substr(0, colon);
    location.remove_prefix(colon + 1);
    if (!http::equals_ignoring_case(scheme, "http") || !location.starts_with("//")) return std::nullopt;
  }
  if (!location.starts_with("//")) return reference{.relative = location};
  location.remove_prefix(2);
  const std::string_view authority = location.substr(0, location.find_first_of("/?"));
  if (!http::equals_ignoring_case(without_default_port(authority), without_default_port(host))) return std::nullopt;
  location.remove_prefix(authority.size());
  return reference{.relative = location, .to_root = true};
}

}  // namespace

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<std::string> target_of(std::string_view location, std::string_view host, std::string_view target) {
  location = trimmed_value(location.substr(0, location.find('#')));
  const std::optional<reference> to = reference_to(location, host);
  if (!to) return std::nullopt;
  const std::string_view base = to->to_root ? "/" : target;
  const std::string_view base_path = base.substr(0, base.find('?'));
  const auto question = to->relative.find('?');
  const std::string_view path = to->relative.substr(0, question);
  const std::string_view query = question == std::string_view::npos ? "" : to->relative.substr(question);
  std::string made;
  if (path.empty()) {
    made = query.empty() ? base : base_path;
  } else if (path.starts_with('/')) {
    made = without_dot_segments(path);
  } else {
    made = without_dot_segments(std::string(base_path.substr(0, base_path.rfind('/') + 1)).append(path));
  }
  made.append(query);
  return http::valid_request({.target = made}) ? std::optional(std::move(made)) : std::nullopt;
}

redirect_chain::redirect_chain(std::string_view request, http::method verb, unsigned most)
    : request_(request), verb_(verb), left_(most) {}

std::string_view redirect_chain::target() const {
  const std::string_view request = request_;
  const auto begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

bool redirect_chain::next(answer& got, std::string_view location) {
  if (!is_redirect(got.status) || location.empty()) return false;
  if (left_ == 0) {
    got.failed_check = failure_kind::redirects;
    return false;
  }
  const std::optional<std::string> to = target_of(location, host_sent(request_), target());
  if (!to) {
    got.failed_check = failure_kind::redirect_elsewhere;
    return false;
  }
  left_--;
  const bool posted = request_.starts_with("POST ");
  const bool moved = got.status == 301 || got.status == 302;
  const bool is_plain = request_.starts_with("GET ") || request_.starts_with("HEAD ");
  send_to(*to, (got.status == 303 && !is_plain) || (moved && posted));
  return true;
}

void redirect_chain::send_to(std::string_view target, bool as_get) {
  const std::string_view before = request_;
  std::string made(as_get ? "GET" : before.substr(0, before.find(' ')));
  made.append(" ").append(target).append(" HTTP/1.1\r\n");
  for_each_field(before, [&](std::string_view line) {
    if (!as_get || !is_of_body(line)) made.append(line).append(end_of_line);
    return true;
  });
  made.append(end_of_line);
  if (as_get) {
    verb_ = http::method::get;
  } else {
    made.append(before.substr(before.find(end_of_head) + end_of_head.size()));
  }
  request_ = std::move(made);
}

void redirect_chain::set_cookies(std::string_view line) {
  for_each_field(request_, [this](std::string_view each) {
    if (!is_field(each, "cookie")) return true;
    request_.erase(static_cast<std::size_t>(each.data() - request_.data()), each.size() + end_of_line.size());
    return false;  // the lines have moved
  });
  request_.insert(request_.find(end_of_line) + end_of_line.size(), line);
}

}  // namespace assay::load
