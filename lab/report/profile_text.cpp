#include "lab/report/profile_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace assay::report {
namespace {

constexpr std::size_t shown_routes = 14;
constexpr double much_rejected = 0.01;

// Wilson's score interval (1927) of a share, 95 %.
std::pair<double, double> share_interval(std::uint64_t count, std::uint64_t all) {
  if (all == 0) return {0, 0};
  constexpr double z = 1.959963985;
  const auto n = static_cast<double>(all);
  const double p = static_cast<double>(count) / n;
  const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return {centre - half, centre + half};
}

std::string size_text(double bytes) {
  if (bytes >= 1024 * 1024) return fmt::format("{:.1f} MB", bytes / 1024 / 1024);
  if (bytes >= 1024) return fmt::format("{:.1f} KB", bytes / 1024);
  return fmt::format("{:.0f} B", bytes);
}

std::string sparkline(const std::vector<double>& values) {
  constexpr std::array<std::string_view, 8> bars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double most = std::ranges::max(values);
  std::string line;
  for (const double each : values) {
    line += bars[most > 0 ? static_cast<std::size_t>(std::min(7.0, each / most * 8)) : 0];
  }
  return line;
}

std::string sources(const model::profile& of) {
  std::string text;
  for (const model::log_source& each : of.sources) {
    const std::uint64_t rejected = each.lines - each.kept;
    const bool much = static_cast<double>(rejected) > much_rejected * static_cast<double>(each.lines);
    text += fmt::format("{}{}: {} lines, {} kept, format {}\n", much ? "WARNING: " : "", each.path, each.lines,
                        each.kept, each.format);
    for (const auto& [reason, count] : each.rejected) {
      text += fmt::format("  {} rejected: {} ({})\n", count, reason, each.rejected_sample.at(reason));
    }
  }
  return text;
}

std::string statuses(const model::route& of) {
  std::array<std::uint64_t, 6> classes{};
  for (const auto& [status, count] : of.statuses) {
    classes[static_cast<std::size_t>(std::clamp(status / 100, 0, 5))] += count;
  }
  std::string text;
  for (std::size_t each = 1; each < classes.size(); ++each) {
    if (classes[each] == 0) continue;
    const double share = 100 * static_cast<double>(classes[each]) / static_cast<double>(of.requests);
    text +=
        fmt::format("{}{}xx {:.{}f} %", text.empty() ? "" : ", ", each, share, share >= 99.95 || share < 0.05 ? 0 : 1);
  }
  return text;
}

std::string routes(const model::profile& of) {
  std::string text = fmt::format("\n{:<44} {:>7}  {:<16} {:>9} {:>9}  {}\n", "route", "share", "95 % interval",
                                 "p50 size", "p99 size", "statuses");
  std::uint64_t all = 0;
  for (const model::route& each : of.routes) all += each.requests;
  for (std::size_t i = 0; i < std::min(shown_routes, of.routes.size()); ++i) {
    const model::route& each = of.routes[i];
    const auto [low, high] = share_interval(each.requests, all);
    text += fmt::format("{:<44} {:>5.1f} %  {:<16} {:>9} {:>9}  {}\n", each.name(),
                        100 * static_cast<double>(each.requests) / static_cast<double>(all),
                        fmt::format("[{:.1f}, {:.1f}]", 100 * low, 100 * high), size_text(each.response_bytes_p50),
                        size_text(each.response_bytes_p99), statuses(each));
  }
  if (of.routes.size() > shown_routes) {
    std::uint64_t rest = 0;
    for (std::size_t i = shown_routes; i < of.routes.size(); ++i) rest += of.routes[i].requests;
    text += fmt::format("{} more routes with {:.1f} %\n", of.routes.size() - shown_routes,
                        100 * static_cast<double>(rest) / static_cast<double>(all));
  }
  return text;
}

std::string popularity(const model::profile& of) {
  std::string text;
  for (const model::route& route : of.routes) {
    for (const model::placeholder& each : route.placeholders) {
      if (!each.zipf_exponent) continue;
      text += fmt::format("  {} {{{}}}: {} values, Zipf exponent {:.2f}, the top tenth has {:.0f} %\n", route.name(),
                          each.name, each.distinct, *each.zipf_exponent, 100 * each.top_tenth_share);
    }
  }
  return text.empty() ? text : "popularity\n" + text;
}

std::string rates(const model::profile& of) {
  const model::arrivals& a = of.arrival;
  std::string text =
      fmt::format("\n{:%Y-%m-%d %H:%M:%S} to {:%Y-%m-%d %H:%M:%S} UTC, {} requests\n", a.first, a.last, a.requests);
  text +=
      fmt::format("rate       mean {:.3g}/s, median hour {:.3g}/s, busiest hour {:.3g}/s, busiest second {:.0f}/s\n",
                  a.mean_per_s, a.median_hour_per_s, a.busiest_hour_per_s, a.busiest_second_per_s);
  if (!a.hour_of_day.empty()) text += fmt::format("day (UTC)  {}  0 to 23 h\n", sparkline(a.hour_of_day));
  text += "burstiness";
  for (const auto& [scale, value] : a.dispersion) text += fmt::format("  {} s: {:.2f}", scale, value);
  text += "  (variance over mean within an hour; 1 is Poisson)\n";
  text +=
      fmt::format("stamps     {} apart at the least: what happens inside that is not known, and plans assume Poisson\n",
                  of.resolution);
  return text;
}

}  // namespace

std::string profile_text(const model::profile& of) {
  std::string text = sources(of) + rates(of) + routes(of) + "\n" + popularity(of);
  text += fmt::format("sessions   {} by {}, {:.1f} requests each, think time p50 {:.0f} s, p90 {:.0f} s\n",
                      of.session.count, of.session.key, of.session.requests_mean, of.session.think_time_p50_s,
                      of.session.think_time_p90_s);
  text += fmt::format("failures   {} answers of 5xx in {} runs, {} in a row at the most\n", of.errors.errors,
                      of.errors.bursts, of.errors.longest);
  return text;
}

}  // namespace assay::report
