#include "stack/http/response_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "stack/http/chars.hpp"
#include "stack/http/status.hpp"

namespace assay::http::detail {
namespace {

void append_number(std::string& to, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  to.append(digits.data(), end);
}

bool is_safe_value(std::string_view value) {
  return std::ranges::all_of(value,
                             [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 0x7f); });
}

bool is_ours(std::string_view name) {
  return equals_ignoring_case(name, "content-length") || equals_ignoring_case(name, "transfer-encoding") ||
         equals_ignoring_case(name, "connection") || equals_ignoring_case(name, "date");
}

}  // namespace

bool sendable(const response& reply) {
  if (reply.upgrade) {
    const bool says_what = std::ranges::any_of(
        reply.headers, [](const auto& field) { return equals_ignoring_case(field.first, "upgrade"); });
    if (reply.status != 101 || !says_what || !reply.body.empty() || reply.stream) return false;
  } else if (reply.status < 200 || reply.status > 999) {
    return false;
  }
  return std::ranges::all_of(reply.headers, [](const auto& field) {
    const bool named = !field.first.empty() && std::ranges::all_of(field.first, [](char c) { return is_token(c); });
    return named && !is_ours(field.first) && is_safe_value(field.second);
  });
}

void append_response_head(std::string& to, const response& reply, const response_framing& framing) {
  if (reply.status == 200) {
    to += "HTTP/1.1 200 OK\r\n";
  } else {
    to += "HTTP/1.1 ";
    append_number(to, static_cast<std::uint64_t>(reply.status));
    to += ' ';
    to += reason_phrase(reply.status);
    to += "\r\n";
  }
  to += framing.date;
  if (!reply.content_type.text().empty()) {
    to += "content-type: ";
    to += reply.content_type.text();
    to += "\r\n";
  }
  for (const auto& [name, value] : reply.headers) {
    to += name;
    to += ": ";
    to += value;
    to += "\r\n";
  }
  if (framing.chunked) to += "transfer-encoding: chunked\r\n";
  if (framing.with_length) {
    to += "content-length: ";
    append_number(to, reply.body.size());
    to += "\r\n";
  }
  if (framing.upgrade) {
    to += "connection: upgrade\r\n";
  } else if (!framing.keep) {
    to += "connection: close\r\n";
  } else if (framing.version_minor == 0) {
    to += "connection: keep-alive\r\n";
  }
  to += "\r\n";
}

std::string format_date_field(std::time_t seconds) {
  static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  const auto two = [](int number) {
    return std::string{static_cast<char>('0' + number / 10 % 10), static_cast<char>('0' + number % 10)};
  };
  std::string field = "date: ";
  field += days[static_cast<std::size_t>(utc.tm_wday)];
  field += ", " + two(utc.tm_mday) + " ";
  field += months[static_cast<std::size_t>(utc.tm_mon)];
  field += " " + std::to_string(1900 + utc.tm_year) + " " + two(utc.tm_hour) + ":" + two(utc.tm_min) + ":" +
           two(utc.tm_sec) + " GMT\r\n";
  return field;
}

}  // namespace assay::http::detail
