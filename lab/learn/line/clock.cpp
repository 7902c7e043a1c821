#include "lab/learn/line/clock.hpp"

#include <algorithm>
#include <limits>

#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

constexpr int furthest_zone_hours = 14;
constexpr int first_year = 1971;
constexpr std::size_t most_digits = 19;                // of a number that fits 64 bit
constexpr std::int64_t last_second = 253'402'300'799;  // of the year 9999

unsigned month_number(std::string_view name) {
  constexpr std::string_view names = "JanFebMarAprMayJunJulAugSepOctNovDec";
  for (unsigned i = 0; i < 12; ++i) {
    if (names.substr(std::size_t{3} * i, 3) == name) return i + 1;
  }
  return 0;
}

std::optional<std::chrono::sys_days> day_of(int year, unsigned month, int day) {
  if (year < first_year || month == 0 || day <= 0) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

// "10:05:03" off the front.
std::optional<std::chrono::seconds> take_time(std::string_view& rest) {
  constexpr std::size_t bytes = std::string_view("10:05:03").size();
  if (rest.size() < bytes || rest[2] != ':' || rest[5] != ':') return std::nullopt;
  const int hour = fixed_number(rest, 0, 2);
  const int minute = fixed_number(rest, 3, 2);
  const int second = fixed_number(rest, 6, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  rest.remove_prefix(bytes);
  return std::chrono::seconds(3600 * hour + 60 * minute + second);
}

// ".310" off the front, when it is there.
bool take_fraction(std::string_view& rest, instant& to) {
  if (!rest.starts_with('.') && !rest.starts_with(',')) return true;
  rest.remove_prefix(1);
  std::int64_t micros = 0;
  std::int64_t place = 100'000;
  std::size_t digits = 0;
  for (; digits < rest.size() && is_digit(rest[digits]); ++digits, place /= 10) micros += place * (rest[digits] - '0');
  if (digits == 0 || digits > most_digits) return false;
  rest.remove_prefix(digits);
  to.at += std::chrono::microseconds(micros);
  to.digits = static_cast<std::uint8_t>(std::min<std::size_t>(digits, 6));
  return true;
}

// "+0130", "+01:30" or "Z", and nothing behind it.
bool read_zone(std::string_view rest, instant& to) {
  if (rest == "Z") return true;
  const bool colon = rest.size() == 6 && rest[3] == ':';
  if (rest.size() != 5 && !colon) return false;
  const int hours = fixed_number(rest, 1, 2);
  const int minutes = fixed_number(rest, colon ? 4 : 3, 2);
  const bool sound =
      (rest[0] == '+' || rest[0] == '-') && hours >= 0 && hours <= furthest_zone_hours && minutes >= 0 && minutes < 60;
  if (!sound) return false;
  to.zone = std::chrono::minutes((rest[0] == '-' ? -1 : 1) * (60 * hours + minutes));
  to.at -= to.zone;
  return true;
}

std::optional<std::chrono::sys_days> iso_day(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const int month = fixed_number(text, 5, 2);
  return day_of(fixed_number(text, 0, 4), month < 0 ? 0U : static_cast<unsigned>(month), fixed_number(text, 8, 2));
}

}  // namespace

std::optional<instant> clf_instant(std::string_view text, bool zone_needed) {
  constexpr std::size_t date_bytes = std::string_view("17/May/2015:").size();
  if (text.size() < date_bytes || text[2] != '/' || text[6] != '/' || text[11] != ':') return std::nullopt;
  const auto day = day_of(fixed_number(text, 7, 4), month_number(text.substr(3, 3)), fixed_number(text, 0, 2));
  text.remove_prefix(date_bytes);
  const auto time = day ? take_time(text) : std::nullopt;
  if (!time) return std::nullopt;
  instant read{.at = *day + *time};
  if (!take_fraction(text, read)) return std::nullopt;
  if (text.empty() && !zone_needed) return read;
  if (!text.starts_with(' ') || !read_zone(text.substr(1), read) || text == " Z") return std::nullopt;
  return read;
}

std::optional<instant> iso_instant(std::string_view text) {
  constexpr std::size_t date_bytes = std::string_view("2016-04-15").size();
  if (text.size() <= date_bytes || (text[date_bytes] != 'T' && text[date_bytes] != ' ')) return std::nullopt;
  const auto day = iso_day(text.substr(0, date_bytes));
  text.remove_prefix(date_bytes + 1);
  const auto time = day ? take_time(text) : std::nullopt;
  if (!time) return std::nullopt;
  instant read{.at = *day + *time};
  if (!take_fraction(text, read)) return std::nullopt;
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (!text.empty() && !read_zone(text, read)) return std::nullopt;
  return read;
}

std::optional<instant> epoch_instant(std::string_view text) {
  std::int64_t whole = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && is_digit(text[digits]); ++digits) {
    if (digits == most_digits || whole > std::numeric_limits<std::int64_t>::max() / 10 - 1) return std::nullopt;
    whole = 10 * whole + (text[digits] - '0');
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(digits);
  constexpr std::int64_t kilo = 1000;
  instant read;
  if (whole <= last_second) {
    read.at += std::chrono::seconds(whole);
    if (!take_fraction(text, read)) return std::nullopt;
  } else {
    // The size tells the unit: a second of the year 9999 is a millisecond of 1978.
    std::int64_t micros = whole;
    read.digits = 6;
    if (whole <= last_second * kilo) {
      micros = whole * kilo;
      read.digits = 3;
    } else if (whole > last_second * kilo * kilo) {
      micros = whole / kilo;
    }
    read.at += std::chrono::microseconds(micros);
    instant below;  // a fraction of a millisecond, or less: read and dropped
    if (!take_fraction(text, below)) return std::nullopt;
  }
  constexpr std::chrono::sys_days earliest = std::chrono::year(first_year) / 1 / 1;
  if (!text.empty() || read.at < earliest) return std::nullopt;
  return read;
}

std::optional<instant> any_instant(std::string_view text) {
  if (text.size() > 2 && text[2] == '/') return clf_instant(text, false);
  if (text.size() > 4 && text[4] == '-') return iso_instant(text);
  return epoch_instant(text);
}

std::optional<instant> date_and_time(std::string_view date, std::string_view time) {
  const auto day = iso_day(date);
  const auto since = day ? take_time(time) : std::nullopt;
  if (!since) return std::nullopt;
  instant read{.at = *day + *since};
  if (!take_fraction(time, read) || !time.empty()) return std::nullopt;
  return read;
}

}  // namespace assay::learn
