#include "lab/report/quantities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::report {

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string size_text(double bytes) {
  if (bytes >= 1e9) return fmt::format("{:.1f}GB", bytes / 1e9);
  if (bytes >= 1e6) return fmt::format("{:.1f}MB", bytes / 1e6);
  if (bytes >= 1e4) return fmt::format("{:.0f}kB", bytes / 1e3);
  return bytes >= 1e3 ? fmt::format("{:.1f}kB", bytes / 1e3) : fmt::format("{:.0f}B", bytes);
}

std::string rate_text(double per_s) {
  return per_s >= 100 ? fmt::format("{:.0f}/s", per_s) : fmt::format("{:.3g}/s", per_s);
}

std::string span_text(std::chrono::seconds span) {
  const auto seconds = static_cast<double>(span.count());
  if (seconds >= 2 * 86'400) return fmt::format("{:.1f} days", seconds / 86'400);
  if (seconds >= 2 * 3'600) return fmt::format("{:.1f} h", seconds / 3'600);
  return seconds >= 120 ? fmt::format("{:.1f} min", seconds / 60) : fmt::format("{:.0f} s", seconds);
}

std::string instant_text(std::chrono::sys_seconds at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

std::string zone_text(int minutes) {
  return fmt::format("{}{:02}:{:02}", minutes < 0 ? '-' : '+', std::abs(minutes) / 60, std::abs(minutes) % 60);
}

std::string status_mix(const std::map<int, std::uint64_t>& statuses, std::uint64_t all) {
  std::map<int, std::uint64_t> classes;
  for (const auto& [status, count] : statuses) classes[status / 100] += count;
  std::string text;
  for (const auto& [first, count] : classes) {
    text += fmt::format("{}{}xx {:.3g} %", text.empty() ? "" : ", ", first,
                        100 * static_cast<double>(count) / static_cast<double>(std::max<std::uint64_t>(all, 1)));
  }
  return text;
}

}  // namespace assay::report
