#include "lab/report/profile_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace assay::report {
namespace {

constexpr std::size_t route_columns = 34;
constexpr std::size_t placeholders_shown = 4;

// 20,000
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string bytes_text(double bytes) {
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

// 2015-05-17 10:05:03
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

// Share of each class of status that occurred: "2xx 98.1 %, 4xx 1.9 %".
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

void append_warnings(std::string& to, const model::profile& of) {
  for (const model::log_source& each : of.sources) {
    const std::uint64_t rejected = each.lines - each.kept;
    if (static_cast<double>(rejected) > most_rejected_quietly * static_cast<double>(each.lines)) {
      to += fmt::format("WARNING: {}: {} of {} lines were rejected ({:.1f} %)\n", each.path, grouped(rejected),
                        grouped(each.lines), 100 * static_cast<double>(rejected) / static_cast<double>(each.lines));
    }
    for (const auto& [reason, count] : each.rejected) {
      const auto sample = each.rejected_sample.find(reason);
      to += fmt::format("  rejected {}: {}{}{}\n", grouped(count), reason,
                        sample == each.rejected_sample.end() ? "" : "; ",
                        sample == each.rejected_sample.end() ? "" : sample->second);
    }
    if (each.clock_anomalies > 0) {
      to += fmt::format("WARNING: {}: the clock went back by more than 60 s on {} lines\n", each.path,
                        grouped(each.clock_anomalies));
    }
  }
  for (const std::string& note : of.notes) to += fmt::format("NOTE: {}\n", note);
}

void append_head(std::string& to, const model::profile& of) {
  const model::arrivals& arrival = of.arrival;
  to += fmt::format("{} requests in {}, {} to {} UTC\n", grouped(of.requests),
                    span_text(arrival.last - arrival.first + std::chrono::seconds(1)), instant_text(arrival.first),
                    instant_text(arrival.last));
  constexpr std::size_t sources_shown = 3;
  for (std::size_t i = 0; i < std::min(of.sources.size(), sources_shown); ++i) {
    const model::log_source& each = of.sources[i];
    to += fmt::format("  {}: {}, {} of {} lines, sha256 {}\n", each.path, each.format, grouped(each.kept),
                      grouped(each.lines), each.sha256.substr(0, 12));
  }
  if (of.sources.size() > sources_shown) to += fmt::format("  and {} more files\n", of.sources.size() - sources_shown);
}

void append_share(std::string& to, std::string name, std::uint64_t count, std::uint64_t all, std::string_view rest) {
  const model::estimate share = model::share(count, all);
  if (name.size() > route_columns) name = name.substr(0, route_columns - 3) + "...";
  to += fmt::format("  {:<{}} {:>6.2f} %  {:>5.2f}-{:<5.2f} {}\n", name, route_columns, 100 * share.value,
                    100 * share.low, 100 * share.high, rest);
}

void append_routes(std::string& to, const model::profile& of) {
  to += fmt::format("\n  {:<{}} {:>8}  {:<11} {:>7} {:>7}  {}\n", "route", route_columns, "share", "95 % of it", "p50",
                    "p99", "statuses");
  const std::size_t shown = std::min(of.routes.size(), routes_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const model::route& each = of.routes[i];
    append_share(to, each.name(), each.requests, of.requests,
                 fmt::format("{:>7} {:>7}  {}", bytes_text(each.response_bytes_p50),
                             bytes_text(each.response_bytes_p99), status_mix(each.statuses, each.requests)));
  }
  std::uint64_t rest = 0;
  for (std::size_t i = shown; i < of.routes.size(); ++i) rest += of.routes[i].requests;
  if (of.routes.size() > shown) {
    append_share(to, fmt::format("{} more routes", of.routes.size() - shown), rest, of.requests, "");
  }
  for (const auto& [reason, count] : of.other) append_share(to, reason, count, of.requests, "");
}

void append_values(std::string& to, const model::profile& of) {
  std::size_t shown = 0;
  for (const model::route& route : of.routes) {
    for (const model::placeholder& each : route.placeholders) {
      if (shown++ == placeholders_shown) return;
      to += fmt::format("{}{{{}}} of {}: {}{} {} values", shown == 1 ? "values    " : "          ", each.name,
                        route.name(), each.distinct_capped ? "over " : "", grouped(each.distinct), each.shape);
      if (each.least && each.greatest) to += fmt::format(" {} to {}", *each.least, *each.greatest);
      if (each.zipf_exponent) to += fmt::format(", Zipf {:.2f}", *each.zipf_exponent);
      to += fmt::format(", a tenth of them gets {:.0f} %\n", 100 * each.top_tenth_share);
    }
  }
}

void append_scales(std::string& to, const std::map<int, double>& values) {
  std::string_view separator = " ";
  for (const auto& [scale, value] : values) {
    if (value >= 999.5) {
      to += fmt::format("{}{} at {} s", separator, grouped(static_cast<std::uint64_t>(std::llround(value))), scale);
    } else {
      to += fmt::format("{}{:.3g} at {} s", separator, value, scale);
    }
    separator = ", ";
  }
}

void append_arrivals(std::string& to, const model::arrivals& of) {
  to += fmt::format("\nrate      mean {}, {} {}, {} {}, busiest second {}\n", rate_text(of.mean_per_s), "median hour",
                    of.whole_hours > 0 ? rate_text(of.median_hour_per_s) : "-", "busiest hour",
                    of.whole_hours > 0 ? rate_text(of.busiest_hour_per_s) : "-", rate_text(of.busiest_second_per_s));
  if (!of.peak_to_mean.empty()) {
    to += "peaks     of the mean:";
    append_scales(to, of.peak_to_mean);
    to += '\n';
  }
  to += "bursts    variance over that of Poisson arrivals:";
  if (of.dispersion.empty()) to += " not estimable from so short a log";
  append_scales(to, of.dispersion);
  to += '\n';
  if (of.hour_of_day.empty()) return;
  constexpr std::array bars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double most = std::max(std::ranges::max(of.hour_of_day), 1e-9);
  to += "day       ";
  for (const double each : of.hour_of_day) {
    to += bars[std::min<std::size_t>(static_cast<std::size_t>(each / most * 8), 7)];
  }
  to += fmt::format("  0 h to 24 h ({}), {:.2g} to {:.2g} of the mean\n", zone_text(of.zone_minutes),
                    std::ranges::min(of.hour_of_day), most);
}

}  // namespace

std::string profile_text(const model::profile& profile) {
  std::string text;
  append_warnings(text, profile);
  append_head(text, profile);
  append_routes(text, profile);
  append_arrivals(text, profile.arrival);
  text += fmt::format("statuses  {}\n", status_mix(profile.statuses, profile.requests));
  text += fmt::format("sizes     p50 {}, p99 {}\n", bytes_text(profile.response_bytes_p50),
                      bytes_text(profile.response_bytes_p99));
  const model::sessions& sessions = profile.session;
  text += fmt::format("sessions  {} by {}, {:.1f} requests each, between them p50 {:.0f} s, p90 {:.0f} s\n",
                      grouped(sessions.count), sessions.key, sessions.requests_mean, sessions.think_time_p50_s,
                      sessions.think_time_p90_s);
  text += fmt::format("errors    {} answers of 500 and above", grouped(profile.errors.errors));
  if (profile.errors.bursts > 0) {
    text += fmt::format(", {} runs of two or more, the longest {}", grouped(profile.errors.bursts),
                        grouped(profile.errors.longest));
  }
  text += '\n';
  append_values(text, profile);
  return text;
}

}  // namespace assay::report
