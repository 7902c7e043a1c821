#include "stack/data/redis/reply_reader.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace assay::data::redis {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::size_t verbatim_prefix_bytes = 4;  // "txt:"

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// A length has one spelling: digits, no sign, no zero in front.
std::optional<std::size_t> parse_length(std::string_view text) {
  if (!all_digits(text) || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  return parse_whole<std::size_t>(text);
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  return parse_whole<std::int64_t>(text);
}

// Not what else from_chars takes for a number, such as "infinity" and "nan(7)".
std::optional<double> parse_real(std::string_view text) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (text == "inf" || text == "+inf") return infinity;
  if (text == "-inf") return -infinity;
  if (text == "nan" || text == "-nan") return std::numeric_limits<double>::quiet_NaN();
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  const bool plain = std::ranges::all_of(
      text, [](char c) { return is_digit(c) || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'; });
  return plain ? parse_whole<double>(text) : std::nullopt;
}

bool is_big_number(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return all_digits(text);
}

reply text_of(reply_kind kind, std::string_view text) { return {.kind = kind, .text = std::string(text)}; }

reply_kind aggregate_kind(char type) {
  switch (type) {
    case '%':
    case '|':
      return reply_kind::map;
    case '~':
      return reply_kind::set;
    case '>':
      return reply_kind::push;
    default:
      return reply_kind::array;
  }
}

}  // namespace

const char* describe(reply_fault fault) {
  switch (fault) {
    case reply_fault::unknown_type:
      return "a reply of no known type";
    case reply_fault::bad_line:
      return "a line that does not end with CR LF";
    case reply_fault::line_too_long:
      return "a line longer than max_line_bytes";
    case reply_fault::bad_number:
      return "a number that is none";
    case reply_fault::bad_length:
      return "a length that is none";
    case reply_fault::bad_text_end:
      return "a text without CR LF where its length ends";
    case reply_fault::reply_too_large:
      return "a reply larger than max_reply_bytes";
    case reply_fault::too_many_elements:
      return "a reply of more than max_elements";
    case reply_fault::too_deep:
      return "a reply deeper than max_depth";
    case reply_fault::misplaced_push:
      return "a push inside of a reply";
  }
  return "a fault";
}

bool reply_reader::fail(reply_fault why) {
  if (!fault_) fault_ = why;
  return false;
}

std::expected<std::optional<reply>, reply_fault> reply_reader::read(std::string_view& bytes) {
  while (!bytes.empty() && !done_ && !fault_) {
    const bool went_on = body_ ? take_body(bytes) : take_line(bytes);
    assert(went_on == !fault_);
    if (!went_on) break;
  }
  if (fault_) return std::unexpected(*fault_);
  if (!done_) return std::nullopt;
  reply_bytes_ = reply_elements_ = 0;
  return std::exchange(done_, std::nullopt);
}

// --- lines and texts -------------------------------------------------------------------------------------------------

bool reply_reader::take_line(std::string_view& bytes) {
  const std::size_t found = bytes.find('\n');
  const std::size_t taken = found == std::string_view::npos ? bytes.size() : found + 1;
  const std::string_view piece = bytes.substr(0, taken);
  if (line_.size() + piece.size() > limits_.max_line_bytes + line_end.size()) return fail(reply_fault::line_too_long);
  reply_bytes_ += taken;
  if (reply_bytes_ > limits_.max_reply_bytes) return fail(reply_fault::reply_too_large);
  bytes.remove_prefix(taken);
  if (found == std::string_view::npos) {
    line_.append(piece);
    return true;
  }
  std::string whole;
  std::string_view line = piece;
  if (!line_.empty()) {
    whole = std::exchange(line_, {}).append(piece);
    line = whole;
  }
  if (!line.ends_with(line_end)) return fail(reply_fault::bad_line);
  line.remove_suffix(line_end.size());
  if (line.find('\r') != std::string_view::npos) return fail(reply_fault::bad_line);
  return on_line(line);
}

bool reply_reader::take_body(std::string_view& bytes) {
  const std::size_t taken = std::min(bytes.size(), body_->due);
  text_.append(bytes.substr(0, taken));
  bytes.remove_prefix(taken);
  body_->due -= taken;
  return body_->due > 0 || on_body();
}

bool reply_reader::on_body() {
  const char type = std::exchange(body_, std::nullopt)->type;
  std::string text = std::exchange(text_, {});
  if (!text.ends_with(line_end)) return fail(reply_fault::bad_text_end);
  text.resize(text.size() - line_end.size());
  if (type == '=') {
    if (text.size() < verbatim_prefix_bytes || text[verbatim_prefix_bytes - 1] != ':') {
      return fail(reply_fault::bad_length);
    }
    text.erase(0, verbatim_prefix_bytes);
  }
  return complete({.kind = type == '!' ? reply_kind::error : reply_kind::text, .text = std::move(text)});
}

bool reply_reader::on_line(std::string_view line) {
  if (line.empty()) return fail(reply_fault::unknown_type);
  const char type = line.front();
  const std::string_view rest = line.substr(1);
  switch (type) {
    case '$':
    case '=':
    case '!':
      return on_text_length(type, rest);
    case '*':
    case '%':
    case '~':
    case '>':
    case '|':
      return on_aggregate(type, rest);
    default:
      return on_scalar(type, rest);
  }
}

bool reply_reader::on_scalar(char type, std::string_view rest) {
  switch (type) {
    case '+':
      return complete(text_of(reply_kind::status, rest));
    case '-':
      return complete(text_of(reply_kind::error, rest));
    case ':': {
      const std::optional<std::int64_t> number = parse_integer(rest);
      return number ? complete({.kind = reply_kind::integer, .integer = *number}) : fail(reply_fault::bad_number);
    }
    case ',': {
      const std::optional<double> number = parse_real(rest);
      return number ? complete({.kind = reply_kind::real, .real = *number}) : fail(reply_fault::bad_number);
    }
    case '#':
      if (rest != "t" && rest != "f") return fail(reply_fault::bad_number);
      return complete({.kind = reply_kind::boolean, .integer = rest == "t" ? 1 : 0});
    case '(':
      return is_big_number(rest) ? complete(text_of(reply_kind::big_number, rest)) : fail(reply_fault::bad_number);
    case '_':
      return rest.empty() ? complete({}) : fail(reply_fault::bad_line);
    default:
      return fail(reply_fault::unknown_type);
  }
}

bool reply_reader::on_text_length(char type, std::string_view rest) {
  if (type == '$' && rest == "-1") return complete({});
  const std::optional<std::size_t> length = parse_length(rest);
  if (!length) return fail(reply_fault::bad_length);
  const std::size_t room = limits_.max_reply_bytes - reply_bytes_;
  if (*length > room || room - *length < line_end.size()) return fail(reply_fault::reply_too_large);
  body_ = body{.type = type, .due = *length + line_end.size()};
  reply_bytes_ += body_->due;
  return true;
}

// --- aggregates ------------------------------------------------------------------------------------------------------

bool reply_reader::on_aggregate(char type, std::string_view rest) {
  if (type == '*' && rest == "-1") return complete({});
  const std::optional<std::size_t> count = parse_length(rest);
  if (!count) return fail(reply_fault::bad_length);
  const std::size_t room = limits_.max_elements - reply_elements_;
  const bool pairs = type == '%' || type == '|';
  if (*count > (pairs ? room / 2 : room)) return fail(reply_fault::too_many_elements);
  if (type == '>' && !open_.empty()) return fail(reply_fault::misplaced_push);
  const std::size_t due = pairs ? *count * 2 : *count;
  reply_elements_ += due;
  if (due == 0) return type == '|' || complete({.kind = aggregate_kind(type)});
  if (open_.size() >= limits_.max_depth) return fail(reply_fault::too_deep);
  open_.push_back({.value = {.kind = aggregate_kind(type)}, .due = due, .attribute = type == '|'});
  return true;
}

// One value is whole; it may be the last of the aggregate around it, and that of the one around that.
bool reply_reader::complete(reply value) {
  while (!open_.empty()) {
    aggregate& around = open_.back();
    around.value.elements.push_back(std::move(value));
    if (--around.due > 0) return true;
    value = std::move(around.value);
    const bool attribute = around.attribute;
    open_.pop_back();
    if (attribute) return true;  // what it belongs to follows
  }
  done_ = std::move(value);
  return true;
}

}  // namespace assay::data::redis
