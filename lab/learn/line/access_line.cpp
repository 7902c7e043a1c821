#include "lab/learn/line/access_line.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lab/learn/line/quotes.hpp"
#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

constexpr double longest_request_s = 1e6;  // what claims to have taken longer did not
constexpr std::size_t stamp_bytes = std::tuple_size_v<decltype(stamp_memo::text)>;
constexpr std::size_t day_bytes = std::string_view("17/May/2015:").size();

struct bracketed {
  std::size_t opens = 0;  // of '['
  instant value;
};

// Of "17/May/2015:10:05:03 +0000"; -1 when it is no usual one.
int second_of_day(std::string_view stamp) {
  const int hour = fixed_number(stamp, day_bytes, 2);
  const int minute = fixed_number(stamp, day_bytes + 3, 2);
  const int second = fixed_number(stamp, day_bytes + 6, 2);
  const bool usual = stamp[day_bytes + 2] == ':' && stamp[day_bytes + 5] == ':' && hour >= 0 && hour < 24 &&
                     minute >= 0 && minute < 60 && second >= 0 && second < 60;
  return usual ? 3600 * hour + 60 * minute + second : -1;
}

// A stamp of the day and the zone of the last one.
std::optional<instant> same_day(std::string_view text, const stamp_memo& memo) {
  const std::string_view known(memo.text.data(), stamp_bytes);
  constexpr std::size_t zone_at = day_bytes + std::string_view("10:05:03").size();
  if (text.substr(0, day_bytes) != known.substr(0, day_bytes) || text.substr(zone_at) != known.substr(zone_at)) {
    return std::nullopt;
  }
  const int now = second_of_day(text);
  const int before = second_of_day(known);
  if (now < 0 || before < 0) return std::nullopt;
  return instant{.at = memo.value.at + std::chrono::seconds(now - before), .zone = memo.value.zone};
}

// What a stamp of stamp_bytes says, when it is one.
std::optional<instant> read_stamp(std::string_view text, stamp_memo& memo) {
  if (text == std::string_view(memo.text.data(), stamp_bytes)) return memo.value;
  auto value = same_day(text, memo);
  if (!value) value = clf_instant(text, true);
  if (value) {
    std::ranges::copy(text, memo.text.begin());
    memo.value = *value;
  }
  return value;
}

// The first "[stamp]" that is one: a user's name may hold brackets too.
std::expected<bracketed, line_fault> find_stamp(std::string_view line, stamp_memo& memo) {
  bool any = false;
  for (std::size_t at = line.find('['); at != std::string_view::npos; at = line.find('[', at + 1)) {
    any = true;
    if (line.size() < at + stamp_bytes + 2) break;
    if (line[at + 1 + stamp_bytes] != ']') continue;
    if (const auto value = read_stamp(line.substr(at + 1, stamp_bytes), memo)) return bracketed{at, *value};
  }
  return std::unexpected(any ? line_fault::bad_stamp : line_fault::no_stamp);
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
    case line_fault::no_match:
      return "does not match the format";
    case line_fault::not_json:
      return "not one JSON object";
    case line_fault::no_field:
      return "no time, no request or no status";
    case line_fault::no_header:
      return "columns before any #Fields line";
    case line_fault::bad_duration:
      return "duration is neither a number nor -";
    case line_fault::bad_record:
      return "record does not begin with TYPE ID TIME";
    case line_fault::aside:
      return "header, comment or entry of another kind";
    case line_fault::unfinished:
      return "request without an end";
  }
  return "unknown";
}

log_time start_of(const access_line& line) {
  if (line.stamp_is == stamped::start || !line.request_time_s) return line.stamp;
  const double took_s = std::min(*line.request_time_s, longest_request_s);
  // A stamp of whole seconds was cut down, and so is what is taken from it.
  if (line.fraction_digits == 0) return line.stamp - std::chrono::seconds(static_cast<std::int64_t>(took_s));
  return line.stamp - std::chrono::microseconds(std::llround(took_s * 1e6));
}

void read_request(std::string_view request, access_line& line) {
  const std::size_t space = request.find(' ');
  if (space == std::string_view::npos || !is_method(request.substr(0, space))) return;
  std::string_view target = request.substr(space + 1);
  std::string_view protocol;
  if (const std::size_t last = target.rfind(' '); last != std::string_view::npos) {
    if (target.substr(last + 1).starts_with("HTTP/")) {
      protocol = target.substr(last + 1);
      target = target.substr(0, last);
    }
  }
  if (target.empty() || target.starts_with("HTTP/")) return;
  line.method = request.substr(0, space);
  line.target = target;
  line.protocol = protocol;
}

namespace {

std::expected<void, line_fault> read_line(std::string_view line, stamp_memo& memo, access_line& parsed) {
  if (line.size() > max_line_bytes) return std::unexpected(line_fault::too_long);
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return std::unexpected(line_fault::empty);
  if (line.find('\0') != std::string_view::npos) return std::unexpected(line_fault::nul_byte);
  const auto when = find_stamp(line, memo);
  if (!when) return std::unexpected(when.error());
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
    const auto bytes = whole_number(size);
    if (!bytes) return std::unexpected(line_fault::bad_size);
    parsed.bytes = *bytes;
  }
  return read_tail(rest, parsed);
}

// "200 1234 " between the request and the referer.
bool read_outcome(std::string_view text, access_line& to) {
  constexpr std::size_t size_at = std::string_view("200 ").size();
  constexpr std::size_t most_digits = 18;
  if (text.size() < size_at + 2 || text[size_at - 1] != ' ' || text.back() != ' ') return false;
  to.status = fixed_number(text, 0, 3);
  if (to.status < 100 || to.status > 599) return false;
  text = text.substr(size_at, text.size() - size_at - 1);
  if (text == "-") return true;
  if (text.size() > most_digits) return false;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    to.bytes = 10 * to.bytes + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

// "GET /x HTTP/1.1", as nearly all are.
bool read_usual_request(std::string_view request, access_line& to) {
  constexpr std::string_view ending = " HTTP/1.1";
  constexpr std::string_view get = "GET ";
  if (!request.starts_with(get) || !request.ends_with(ending)) return false;
  if (request.size() <= get.size() + ending.size()) return false;
  to.method = request.substr(0, get.size() - 1);
  to.target = request.substr(get.size(), request.size() - get.size() - ending.size());
  to.protocol = request.substr(request.size() - ending.size() + 1);
  return !to.target.starts_with("HTTP/");
}

std::string_view unless_dash(std::string_view text) { return text == "-" ? std::string_view() : text; }

// Most lines of most logs: a client without a name, a stamp, six quotes, nothing escaped, nothing behind. What is not
// one is read as any line is; what is one reads the same either way.
bool read_usual_line(std::string_view line, stamp_memo& memo, access_line& parsed) {
  const auto quotes = find_quotes(line);
  if (!quotes) return false;
  const auto& at = *quotes;
  constexpr std::size_t stamped_bytes = stamp_bytes + std::string_view("[] ").size();
  constexpr std::string_view nameless = " - - ";
  if (at[0] < stamped_bytes + nameless.size() + 1 || at[5] + 1U != line.size() || at[4] != at[3] + 2) return false;
  const std::size_t opens = at[0] - stamped_bytes;
  const std::string_view who = line.substr(0, opens);
  const bool is_framed = line[opens] == '[' && line[at[0] - 2U] == ']' && line[at[0] - 1U] == ' ' &&
                         line[at[1] + 1U] == ' ' && line[at[3] + 1U] == ' ';
  if (!is_framed || !who.ends_with(nameless)) return false;
  parsed.address = who.substr(0, who.size() - nameless.size());
  // A second word, or a bracket, may be part of a user's name or of another stamp.
  const auto is_odd = [](char c) { return c == ' ' || c == '['; };
  if (std::ranges::any_of(parsed.address, is_odd)) return false;
  const auto when = read_stamp(line.substr(opens + 1, stamp_bytes), memo);
  if (!when) return false;
  parsed.stamp = when->at;
  parsed.zone = when->zone;
  const auto between = [&](std::size_t from, std::size_t to) { return line.substr(from + 1, to - from - 1); };
  const std::string_view request = between(at[0], at[1]);
  if (!read_usual_request(request, parsed)) {
    parsed.method = parsed.target = parsed.protocol = {};
    read_request(request, parsed);
  }
  if (!read_outcome(between(at[1] + 1U, at[2]), parsed)) return false;
  parsed.referer = unless_dash(between(at[2], at[3]));
  parsed.agent = unless_dash(between(at[4], at[5]));
  parsed.combined = true;
  return true;
}

}  // namespace

std::expected<access_line, line_fault> parse_access_line(std::string_view line) {
  stamp_memo none;
  return parse_access_line(line, none);
}

// Where it will stay: a line is larger than what is copied in passing.
std::expected<access_line, line_fault> parse_access_line(std::string_view line, stamp_memo& memo) {
  std::expected<access_line, line_fault> parsed(std::in_place);
  if (read_usual_line(line, memo, *parsed)) return parsed;
  *parsed = {};
  if (const auto read = read_line(line, memo, *parsed); !read) parsed = std::unexpected(read.error());
  return parsed;
}

std::expected<access_line, line_fault> parse_any_access_line(std::string_view line) {
  stamp_memo none;
  std::expected<access_line, line_fault> parsed(std::in_place);
  if (const auto read = read_line(line, none, *parsed); !read) parsed = std::unexpected(read.error());
  return parsed;
}

std::string unescape(std::string_view logged) {
  std::string plain;
  plain.reserve(logged.size());
  for (std::size_t i = 0; i < logged.size(); ++i) {
    const char next = i + 1 < logged.size() ? logged[i + 1] : '\0';
    const bool is_unicode = logged.substr(i).starts_with("\\u00") && i + 5 < logged.size() &&
                            hex_digit(logged[i + 4]) >= 0 && hex_digit(logged[i + 5]) >= 0;
    const bool is_hex = logged[i] == '\\' && next == 'x' && i + 3 < logged.size() && hex_digit(logged[i + 2]) >= 0 &&
                        hex_digit(logged[i + 3]) >= 0;
    if (is_hex) {
      plain += static_cast<char>(16 * hex_digit(logged[i + 2]) + hex_digit(logged[i + 3]));
      i += 3;
    } else if (is_unicode) {
      plain += static_cast<char>(16 * hex_digit(logged[i + 4]) + hex_digit(logged[i + 5]));
      i += 5;
    } else if (logged[i] == '\\' && (next == '"' || next == '\\' || next == 'n' || next == 't')) {
      plain += next == 'n' ? '\n' : next == 't' ? '\t' : next;
      ++i;
    } else {
      plain += logged[i];
    }
  }
  return plain;
}

std::string outline(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, max_sample_bytes)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool printed = c >= ' ' && c < 0x7f;
    const char put = letter ? 'a' : is_digit(c) ? '0' : printed ? c : '?';
    const bool run = put == 'a' || put == '0' || put == '?';
    if (!run || !shown.ends_with(put)) shown += put;
  }
  return shown;
}

}  // namespace assay::learn
