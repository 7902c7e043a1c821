#include "lab/report/profile_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/report/quantities.hpp"

namespace assay::report {
namespace {

constexpr std::size_t route_columns = 34;
constexpr std::size_t placeholders_shown = 4;

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
                 fmt::format("{:>7} {:>7}  {}", size_text(each.response_bytes_p50), size_text(each.response_bytes_p99),
                             status_mix(each.statuses, each.requests)));
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
  text += fmt::format("sizes     p50 {}, p99 {}\n", size_text(profile.response_bytes_p50),
                      size_text(profile.response_bytes_p99));
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
