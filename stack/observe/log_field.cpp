#include "stack/observe/log_field.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "stack/observe/text_escape.hpp"

namespace assay::observe {
namespace {

void append_digits(std::string& to, std::uint64_t value, std::size_t width) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  const auto count = static_cast<std::size_t>(end - digits.data());
  if (count < width) to.append(width - count, '0');
  to.append(digits.data(), count);
}

void append_text(std::string& to, std::string_view text, std::size_t max_bytes) {
  const std::string_view kept = cut_to(text, max_bytes);
  append_json_string(to, kept);
  if (kept.size() == text.size()) return;
  to.pop_back();
  to += "\xE2\x80\xA6\"";
}

struct value_writer {
  std::string* to;
  std::size_t max_bytes;

  void operator()(std::string_view text) const { append_text(*to, text, max_bytes); }
  void operator()(bool yes) const { *to += yes ? "true" : "false"; }
  void operator()(std::span<const std::string> list) const {
    char before = '[';
    for (const std::string& each : list) {
      *to += before;
      append_text(*to, each, max_bytes);
      before = ',';
    }
    *to += list.empty() ? "[]" : "]";
  }
  template <class Number>
  void operator()(Number number) const {
    std::array<char, 32> digits;
    if constexpr (std::same_as<Number, double>) {
      if (!std::isfinite(number)) {  // JSON has no such numbers
        *to += "null";
        return;
      }
    }
    to->append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
  }
};

}  // namespace

std::string_view label(level of) {
  constexpr std::array<std::string_view, 4> labels = {"debug", "info", "warn", "error"};
  return labels.at(static_cast<std::size_t>(of));
}

void append_time(std::string& to, std::int64_t since_epoch_ns) {
  using namespace std::chrono;
  const sys_time<nanoseconds> at{nanoseconds(since_epoch_ns)};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss time(floor<microseconds>(at - day));
  append_digits(to, static_cast<std::uint64_t>(static_cast<int>(date.year())), 4);
  to += '-';
  append_digits(to, static_cast<unsigned>(date.month()), 2);
  to += '-';
  append_digits(to, static_cast<unsigned>(date.day()), 2);
  to += 'T';
  append_digits(to, static_cast<std::uint64_t>(time.hours().count()), 2);
  to += ':';
  append_digits(to, static_cast<std::uint64_t>(time.minutes().count()), 2);
  to += ':';
  append_digits(to, static_cast<std::uint64_t>(time.seconds().count()), 2);
  to += '.';
  append_digits(to, static_cast<std::uint64_t>(time.subseconds().count()), 6);
  to += 'Z';
}

void append_field(std::string& to, const field& added, std::size_t max_value_bytes) {
  to += ',';
  append_json_string(to, added.key);
  to += ':';
  std::visit(value_writer{&to, max_value_bytes}, added.value);
}

}  // namespace assay::observe
