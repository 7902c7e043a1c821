#include "lab/learn/line/access_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace assay::learn {
namespace {

constexpr std::size_t stamp_bytes = std::string_view("17/May/2015:10:05:03 +0000").size();
constexpr std::size_t max_method_bytes = 20;
constexpr int furthest_zone_hours = 14;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Exactly `digits` digits; -1 when there are others.
int fixed_number(std::string_view text, std::size_t at, std::size_t digits) {
  int number = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (!is_digit(text[i])) return -1;
    number = 10 * number + (text[i] - '0');
  }
  return number;
}

struct stamp {
  std::chrono::sys_seconds at{};
  std::chrono::minutes zone{0};
};

unsigned month_number(std::string_view name) {
  constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (unsigned i = 0; i < 12; ++i) {
    if (names.substr(std::size_t{3} * i, 3) == name) return i + 1;
  }
  return 0;
}

// "17/May/2015:10:05:03 +0000". The 60th second of a leap second counts as the first of the next minute.
std::optional<stamp> parse_stamp(std::string_view text) {
  if (text.size() != stamp_bytes) return std::nullopt;
  constexpr std::array punctuation{std::pair{2, '/'},  std::pair{6, '/'},  std::pair{11, ':'},
                                   std::pair{14, ':'}, std::pair{17, ':'}, std::pair{20, ' '}};
  for (const auto& [at, mark] : punctuation) {
    if (text[static_cast<std::size_t>(at)] != mark) return std::nullopt;
  }
  const int day = fixed_number(text, 0, 2);
  const unsigned month = month_number(text.substr(3, 3));
  const int year = fixed_number(text, 7, 4);
  const int hour = fixed_number(text, 12, 2);
  const int minute = fixed_number(text, 15, 2);
  const int second = fixed_number(text, 18, 2);
  const int zone_hour = fixed_number(text, 22, 2);
  const int zone_minute = fixed_number(text, 24, 2);
  const char sign = text[21];
  const bool in_range = day > 0 && month > 0 && year > 1970 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 &&
                        second >= 0 && second <= 60 && zone_hour >= 0 && zone_hour <= furthest_zone_hours &&
                        zone_minute >= 0 && zone_minute < 60 && (sign == '+' || sign == '-');
  if (!in_range) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  stamp parsed;
  parsed.zone = std::chrono::minutes((sign == '-' ? -1 : 1) * (60 * zone_hour + zone_minute));
  parsed.at = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
              std::chrono::seconds(second) - parsed.zone;
  return parsed;
}

struct bracketed {
  std::size_t opens = 0;  // of '['
  stamp value;
};

// The first "[stamp]" that is one: a user's name may hold brackets too.
std::expected<bracketed, line_fault> find_stamp(std::string_view line) {
  bool any = false;
  for (std::size_t at = line.find('['); at != std::string_view::npos; at = line.find('[', at + 1)) {
    any = true;
    if (line.size() < at + stamp_bytes + 2) break;
    if (line[at + 1 + stamp_bytes] != ']') continue;
    if (const auto value = parse_stamp(line.substr(at + 1, stamp_bytes))) return bracketed{at, *value};
  }
  return std::unexpected(any ? line_fault::bad_stamp : line_fault::no_stamp);
}

// Takes the word before the next space off the front.
std::string_view take_word(std::string_view& rest) {
  const std::size_t space = rest.find(' ');
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  return word;
}

// `who` is what stands before the stamp: [vhost] address ident user, where the user's name may hold spaces.
bool read_client(std::string_view who, access_line& line) {
  if (!who.ends_with(' ')) return false;
  who.remove_suffix(1);
  const std::string_view first = take_word(who);
  const std::string_view second = take_word(who);
  if (first.empty() || second.empty() || who.empty()) return false;
  // An ident is "-" or a login name; with a dot or a colon it is the address that follows a virtual host.
  const bool has_vhost =
      second.find_first_of(".:") != std::string_view::npos && who.find(' ') != std::string_view::npos;
  line.address = first;
  if (has_vhost) {
    line.vhost = first;
    line.address = second;
    take_word(who);
  }
  line.user = who == "-" ? std::string_view() : who;
  return true;
}

// Takes "quoted text" off the front, escapes left in it.
std::optional<std::string_view> take_quoted(std::string_view& rest) {
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      const std::string_view inside = rest.substr(1, i - 1);
      rest.remove_prefix(i + 1);
      return inside;
    }
  }
  return std::nullopt;
}

// Splits at the first and, when a protocol is there, the last space: a target may hold spaces.
void read_request(std::string_view request, access_line& line) {
  const std::size_t space = request.find(' ');
  if (space == std::string_view::npos || space == 0 || space > max_method_bytes) return;
  const std::string_view method = request.substr(0, space);
  if (!std::ranges::all_of(method, [](char c) { return (c >= 'A' && c <= 'Z') || c == '-' || c == '_'; })) return;
  std::string_view target = request.substr(space + 1);
  std::string_view protocol;
  if (const std::size_t last = target.rfind(' '); last != std::string_view::npos) {
    if (target.substr(last + 1).starts_with("HTTP/")) {
      protocol = target.substr(last + 1);
      target = target.substr(0, last);
    }
  }
  if (target.empty() || target.starts_with("HTTP/")) return;
  line.method = method;
  line.target = target;
  line.protocol = protocol;
}

std::optional<double> decimal(std::string_view word) {
  double value = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), value, std::chars_format::fixed);
  if (word.empty() || !is_digit(word[0]) || failed != std::errc() || end != word.data() + word.size()) {
    return std::nullopt;
  }
  return value;
}

// What follows the size: nothing, or referer and agent and perhaps the forwarded address, then perhaps a request time.
std::expected<void, line_fault> read_tail(std::string_view rest, access_line& line) {
  std::size_t fields = 0;
  for (std::string_view* const field : {&line.referer, &line.agent, &line.forwarded_for}) {
    if (!rest.starts_with(" \"")) break;
    rest.remove_prefix(1);
    const auto text = take_quoted(rest);
    if (!text) return std::unexpected(line_fault::open_quote);
    *field = *text == "-" ? std::string_view() : *text;
    ++fields;
  }
  if (fields == 1) return std::unexpected(line_fault::unknown_tail);
  line.combined = fields > 0;
  if (rest.empty()) return {};
  if (!rest.starts_with(' ')) return std::unexpected(line_fault::unknown_tail);
  rest.remove_prefix(1);
  const auto seconds = decimal(rest);
  if (!seconds && rest != "-") return std::unexpected(line_fault::unknown_tail);
  if (rest.find('.') != std::string_view::npos) line.request_time_s = seconds;
  return {};
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string_view label(line_fault fault) {
  switch (fault) {
    case line_fault::empty:
      return "empty line";
    case line_fault::too_long:
      return "line too long";
    case line_fault::nul_byte:
      return "NUL byte";
    case line_fault::no_address:
      return "no address, ident and user before the time stamp";
    case line_fault::no_stamp:
      return "no [time stamp]";
    case line_fault::bad_stamp:
      return "time stamp is not [dd/Mon/yyyy:HH:MM:SS +zzzz]";
    case line_fault::no_request:
      return "no \"request\" after the time stamp";
    case line_fault::open_quote:
      return "quote not closed";
    case line_fault::bad_status:
      return "status is not 100 to 599";
    case line_fault::bad_size:
      return "size is neither a number nor -";
    case line_fault::unknown_tail:
      return "unknown text after the size or the user agent";
    case line_fault::cut_short:
      return "last line cut short";
  }
  return "unknown";
}

std::expected<access_line, line_fault> parse_access_line(std::string_view line) {
  if (line.size() > max_line_bytes) return std::unexpected(line_fault::too_long);
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return std::unexpected(line_fault::empty);
  if (line.find('\0') != std::string_view::npos) return std::unexpected(line_fault::nul_byte);
  const auto when = find_stamp(line);
  if (!when) return std::unexpected(when.error());
  access_line parsed;
  if (!read_client(line.substr(0, when->opens), parsed)) return std::unexpected(line_fault::no_address);
  parsed.stamp = when->value.at;
  parsed.zone = when->value.zone;

  std::string_view rest = line.substr(when->opens + stamp_bytes + 2);
  if (!rest.starts_with(" \"")) return std::unexpected(line_fault::no_request);
  rest.remove_prefix(1);
  const auto request = take_quoted(rest);
  if (!request) return std::unexpected(line_fault::open_quote);
  read_request(*request, parsed);

  constexpr std::size_t status_bytes = std::string_view(" 200 ").size();
  const bool has_status = rest.size() >= status_bytes && rest[0] == ' ' && rest[4] == ' ';
  parsed.status = has_status ? fixed_number(rest, 1, 3) : -1;
  if (parsed.status < 100 || parsed.status > 599) return std::unexpected(line_fault::bad_status);
  rest.remove_prefix(status_bytes);
  const std::string_view size = rest.substr(0, rest.find(' '));
  rest.remove_prefix(size.size());
  if (size != "-") {
    const auto [end, failed] = std::from_chars(size.data(), size.data() + size.size(), parsed.bytes);
    if (failed != std::errc() || end != size.data() + size.size()) return std::unexpected(line_fault::bad_size);
  }
  if (const auto tail = read_tail(rest, parsed); !tail) return std::unexpected(tail.error());
  return parsed;
}

std::string unescape(std::string_view logged) {
  std::string plain;
  plain.reserve(logged.size());
  for (std::size_t i = 0; i < logged.size(); ++i) {
    const char next = i + 1 < logged.size() ? logged[i + 1] : '\0';
    const bool is_hex = logged[i] == '\\' && next == 'x' && i + 3 < logged.size() && hex_digit(logged[i + 2]) >= 0 &&
                        hex_digit(logged[i + 3]) >= 0;
    if (is_hex) {
      plain += static_cast<char>(16 * hex_digit(logged[i + 2]) + hex_digit(logged[i + 3]));
      i += 3;
    } else if (logged[i] == '\\' && (next == '"' || next == '\\' || next == 'n' || next == 't')) {
      plain += next == 'n' ? '\n' : next == 't' ? '\t' : next;
      ++i;
    } else {
      plain += logged[i];
    }
  }
  return plain;
}

std::string printable(std::string_view text) {
  std::string shown(text.substr(0, max_sample_bytes));
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c >= 0x7f; }, '?');
  return shown;
}

}  // namespace assay::learn
