#include "lab/load/cookie_jar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>

#include "stack/http/message.hpp"

namespace assay::load {
namespace {

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  const std::size_t end = text.find_last_not_of(" \t");
  return end == std::string_view::npos ? std::string_view() : text.substr(begin, end - begin + 1);
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find_first_of("?#")); }

// RFC 6265 section 5.1.4.
std::string_view default_path(std::string_view target) {
  const std::string_view path = path_of(target);
  const std::size_t last = path.rfind('/');
  return !path.starts_with('/') || last == 0 ? std::string_view("/") : path.substr(0, last);
}

bool path_matches(std::string_view path, std::string_view of_cookie) {
  if (!path.starts_with(of_cookie)) return false;
  return path.size() == of_cookie.size() || of_cookie.ends_with('/') || path[of_cookie.size()] == '/';
}

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<unsigned> month_of(std::string_view token) {
  constexpr std::array<std::string_view, 12> names = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
  for (unsigned i = 0; i < names.size(); ++i) {
    if (token.size() >= 3 && http::equals_ignoring_case(token.substr(0, 3), names[i])) return i + 1;
  }
  return std::nullopt;
}

// "09:05:07"
std::optional<std::int64_t> second_of_day(std::string_view token) {
  std::array<std::int64_t, 3> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t colon = i < 2 ? token.find(':') : token.size();
    if (colon == std::string_view::npos || colon == 0 || colon > 2) return std::nullopt;
    const auto number = whole(token.substr(0, colon));
    if (!number || *number < 0) return std::nullopt;
    parts[i] = *number;
    token.remove_prefix(std::min(colon + 1, token.size()));
  }
  if (parts[0] > 23 || parts[1] > 59 || parts[2] > 59) return std::nullopt;
  return (parts[0] * 60 + parts[1]) * 60 + parts[2];
}

struct date_parts {
  std::optional<std::int64_t> time, day, year;
  std::optional<unsigned> month;

  void take(std::string_view token) {
    if (!time) time = second_of_day(token);
    if (token.contains(':')) return;
    if (is_digit(token.front())) {
      const auto number = whole(token);
      if (number && !day && token.size() <= 2) {
        day = number;
      } else if (number && !year && token.size() <= 4) {
        year = *number < 70 ? *number + 2000 : *number < 100 ? *number + 1900 : *number;
      }
      return;
    }
    if (!month) month = month_of(token);
  }
};

}  // namespace

std::int64_t cookie_date(std::string_view text, std::int64_t otherwise) {
  date_parts read;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t,-"), text.size());
    if (end > 0) read.take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (!read.time || !read.day || !read.month || !read.year || *read.year < 1601) return otherwise;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*read.year)),
                                         std::chrono::month(*read.month),
                                         std::chrono::day(static_cast<unsigned>(*read.day))};
  if (!date.ok()) return otherwise;
  return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86'400} + *read.time;
}

named_value cookie_pair(std::string_view set_cookie) {
  const std::string_view pair = set_cookie.substr(0, set_cookie.find(';'));
  const std::size_t equals = pair.find('=');
  if (equals == std::string_view::npos) return {};
  return {.name = trimmed(pair.substr(0, equals)), .value = trimmed(pair.substr(equals + 1))};
}

void cookie_jar::take(std::string_view set_cookie, std::string_view target, instant now, std::int64_t unix_s) {
  const auto [name, value] = cookie_pair(set_cookie);
  const auto is_control = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; };
  if (name.empty() || std::ranges::any_of(set_cookie, is_control)) return;
  cookie made{.name = std::string(name), .value = std::string(value), .path = std::string(default_path(target))};
  std::optional<std::int64_t> age_s;
  std::int64_t expires_unix_s = std::numeric_limits<std::int64_t>::max();
  std::size_t at = set_cookie.find(';');
  while (at != std::string_view::npos) {
    set_cookie.remove_prefix(at + 1);
    at = set_cookie.find(';');
    const std::string_view attribute = set_cookie.substr(0, at);
    const std::size_t equals = std::min(attribute.find('='), attribute.size());
    const std::string_view key = trimmed(attribute.substr(0, equals));
    const std::string_view text = trimmed(attribute.substr(std::min(equals + 1, attribute.size())));
    if (http::equals_ignoring_case(key, "path")) {
      made.path = text.starts_with('/') ? text : default_path(target);
    } else if (http::equals_ignoring_case(key, "max-age")) {
      if (const auto seconds = whole(text)) age_s = seconds;
    } else if (http::equals_ignoring_case(key, "expires")) {
      expires_unix_s = cookie_date(text, expires_unix_s);
    }
  }
  if (made.name.size() + made.value.size() + made.path.size() > max_cookie_bytes) return;
  const auto same = [&made](const cookie& each) { return each.name == made.name && each.path == made.path; };
  const auto known = std::ranges::find_if(cookies_, same);
  const bool gone = age_s ? *age_s <= 0 : expires_unix_s <= unix_s;
  if (gone) {
    if (known != cookies_.end()) cookies_.erase(known);
    return;
  }
  constexpr std::int64_t longest_s = std::int64_t{366} * 86'400;  // beyond any run
  if (age_s) made.until = saturating_add(now, std::chrono::seconds(std::min(*age_s, longest_s)));
  if (known != cookies_.end()) {
    *known = std::move(made);  // its place among the others stays
    return;
  }
  if (cookies_.size() == max_cookies) return;
  const auto shorter = [&made](const cookie& each) { return each.path.size() < made.path.size(); };
  cookies_.insert(std::ranges::find_if(cookies_, shorter), std::move(made));
}

void cookie_jar::append_field(std::string_view target, instant now, std::string& to) const {
  const std::string_view path = path_of(target);
  const std::size_t begin = to.size();
  for (const cookie& each : cookies_) {
    if (each.until <= now || !path_matches(path, each.path)) continue;
    if (to.size() - begin + each.name.size() + each.value.size() + 4 > max_cookie_line) continue;
    to += to.size() == begin ? "Cookie: " : "; ";
    to.append(each.name).append("=").append(each.value);
  }
  if (to.size() > begin) to += "\r\n";
}

}  // namespace assay::load
