#include "lab/learn/access_line.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace assay::learn {
namespace {

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

std::optional<int> digits(std::string_view text) {
  if (!std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  return number<int>(text);
}

// "dd/Mon/yyyy:HH:MM:SS +zzzz"; the zone may be missing (taken as UTC), a second may be 60.
std::optional<std::chrono::sys_seconds> timestamp(std::string_view text) {
  if (text.size() != 20 && text.size() != 26) return std::nullopt;
  if (text[2] != '/' || text[6] != '/' || text[11] != ':' || text[14] != ':' || text[17] != ':') return std::nullopt;
  const auto month = std::ranges::find(months, text.substr(3, 3));
  const auto day = digits(text.substr(0, 2));
  const auto year = digits(text.substr(7, 4));
  const auto hour = digits(text.substr(12, 2));
  const auto minute = digits(text.substr(15, 2));
  const auto second = digits(text.substr(18, 2));
  if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  std::chrono::minutes zone{};
  if (text.size() == 26) {
    const auto zone_hours = digits(text.substr(22, 2));
    const auto zone_minutes = digits(text.substr(24, 2));
    if (text[20] != ' ' || (text[21] != '+' && text[21] != '-') || !zone_hours || !zone_minutes) return std::nullopt;
    zone = std::chrono::hours(*zone_hours) + std::chrono::minutes(*zone_minutes);
    if (text[21] == '-') zone = -zone;
  }
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second) - zone;
}

// Reads fields from the front of a line.
class fields {
 public:
  explicit fields(std::string_view line) : rest_(line) {}

  bool empty() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  bool skip(char wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Up to the next space.
  std::string_view word() {
    const std::string_view found = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(found.size());
    return found;
  }
  // What stands between quotes; a backslash escapes what follows it. Nothing when the closing quote is missing.
  std::optional<std::string_view> quoted() {
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == '\\') {
        ++at;
      } else if (rest_[at] == '"') {
        const std::string_view found = rest_.substr(1, at - 1);
        rest_.remove_prefix(at + 1);
        return found;
      }
    }
    return std::nullopt;
  }
  void drop(std::size_t count) { rest_.remove_prefix(count); }

 private:
  std::string_view rest_;
};

bool is_method(std::string_view text) {
  return !text.empty() && text.size() <= 20 && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

// A target may hold spaces (a careless client's): the protocol, if there is one, is the last word.
std::expected<void, refusal> split_request(std::string_view request, access_line& into) {
  if (request == "-" || request.empty()) return std::unexpected(refusal::empty_request);
  const auto first = request.find(' ');
  if (first == std::string_view::npos) return std::unexpected(refusal::bad_request);
  into.method = request.substr(0, first);
  into.target = request.substr(first + 1);
  const auto last = into.target.rfind(' ');
  if (last != std::string_view::npos && into.target.substr(last + 1).starts_with("HTTP/")) {
    into.target = into.target.substr(0, last);
  }
  const bool usable = into.target.starts_with('/') || into.target.starts_with("http://") ||
                      into.target.starts_with("https://") || into.target == "*" || into.method == "CONNECT";
  if (!is_method(into.method) || !usable) return std::unexpected(refusal::bad_request);
  return {};
}

// Behind the bytes: nothing, or referer and agent, and perhaps the duration.
std::expected<void, refusal> read_tail(fields& line, access_line& into) {
  if (line.empty()) return {};
  if (!line.skip(' ')) return std::unexpected(refusal::bad_bytes);
  if (line.rest().starts_with('"')) {
    if (!line.quoted()) return std::unexpected(refusal::cut);
    if (!line.skip(' ')) return std::unexpected(line.empty() ? refusal::cut : refusal::trailing_text);
    const auto agent = line.rest().starts_with('"') ? line.quoted() : std::nullopt;
    if (!agent) return std::unexpected(refusal::cut);
    into.agent = *agent;
    into.combined = true;
    if (line.empty()) return {};
    if (!line.skip(' ')) return std::unexpected(refusal::trailing_text);
  }
  const auto duration = number<double>(line.rest());
  if (!duration || !(*duration >= 0)) return std::unexpected(refusal::trailing_text);
  into.duration_s = *duration;
  return {};
}

}  // namespace

std::string_view label(refusal why) {
  switch (why) {
    case refusal::too_long:
      return "line too long";
    case refusal::control_bytes:
      return "control bytes";
    case refusal::no_timestamp:
      return "no [timestamp]";
    case refusal::bad_timestamp:
      return "malformed timestamp";
    case refusal::no_request:
      return "no \"request\"";
    case refusal::empty_request:
      return "connection without a request";
    case refusal::bad_request:
      return "malformed request";
    case refusal::bad_status:
      return "malformed status";
    case refusal::bad_bytes:
      return "malformed size";
    case refusal::trailing_text:
      return "text behind the last field";
    case refusal::cut:
      return "line cut short";
  }
  return "line cut short";
}

std::expected<access_line, refusal> parse_access_line(std::string_view line) {
  if (std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; })) {
    return std::unexpected(refusal::control_bytes);
  }
  access_line parsed;
  // A user name may hold spaces, the bracket that opens the time is the first one there is; IPv6 hosts have none.
  const auto open = line.find(" [");
  const auto close = line.find(']', open == std::string_view::npos ? 0 : open);
  if (open == std::string_view::npos) return std::unexpected(refusal::no_timestamp);
  if (close == std::string_view::npos) return std::unexpected(refusal::cut);
  const std::string_view front = line.substr(0, open);
  // With a virtual host in front there is one field more; the client is the one before ident and user.
  parsed.host = front.substr(0, front.find(' '));
  if (std::ranges::count(front, ' ') < 2 || parsed.host.empty()) return std::unexpected(refusal::no_timestamp);
  const auto at = timestamp(line.substr(open + 2, close - open - 2));
  if (!at) return std::unexpected(refusal::bad_timestamp);
  parsed.at = *at;

  fields rest(line.substr(close + 1));
  if (!rest.skip(' ') || !rest.rest().starts_with('"')) {
    return std::unexpected(rest.empty() ? refusal::cut : refusal::no_request);
  }
  const auto request = rest.quoted();
  if (!request) return std::unexpected(refusal::cut);
  if (const auto split = split_request(*request, parsed); !split) return std::unexpected(split.error());
  if (!rest.skip(' ')) return std::unexpected(rest.empty() ? refusal::cut : refusal::bad_status);
  const std::string_view status = rest.word();
  const auto code = digits(status);
  if (!code || status.size() != 3 || *code < 100) return std::unexpected(refusal::bad_status);
  parsed.status = *code;
  if (!rest.skip(' ')) return std::unexpected(rest.empty() ? refusal::cut : refusal::bad_bytes);
  const std::string_view bytes = rest.word();
  if (bytes != "-") {
    const auto size = number<std::uint64_t>(bytes);
    if (!size) return std::unexpected(bytes.empty() ? refusal::cut : refusal::bad_bytes);
    parsed.bytes = *size;
  }
  if (const auto tail = read_tail(rest, parsed); !tail) return std::unexpected(tail.error());
  return parsed;
}

}  // namespace assay::learn
