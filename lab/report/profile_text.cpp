#include "lab/report/profile_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

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

std::string shortened(std::string name) {
  if (name.size() > route_columns) name = name.substr(0, route_columns - 3) + "...";
  return name;
}

void append_share(std::string& to, const std::string& name, std::uint64_t count, std::uint64_t all,
                  std::string_view rest) {
  const model::estimate share = model::share(count, all);
  to += fmt::format("  {:<{}} {:>6.2f} %  {:>5.2f}-{:<5.2f} {}\n", shortened(name), route_columns, 100 * share.value,
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

void append_memory(std::string& to, const model::arrivals& of) {
  if (of.hurst) {
    to += fmt::format("memory    Hurst exponent {:.2f} ({:.2f} to {:.2f}), 0.5 is none", of.hurst->value, of.hurst->low,
                      of.hurst->high);
    if (const auto next = of.autocorrelation.find(1); next != of.autocorrelation.end()) {
      to += fmt::format("; a second with the next {:.2f}", next->second.value);
    }
    to += '\n';
  }
  if (of.gap_cv) {
    to += fmt::format("gaps      deviation over mean {:.2f} ({:.2f} to {:.2f}), 1 is Poisson\n", of.gap_cv->value,
                      of.gap_cv->low, of.gap_cv->high);
  }
}

void append_tail(std::string& to, const std::optional<model::tail_fit>& tail, const std::string& from) {
  if (!tail || !tail->is_heavy()) return;
  to += fmt::format("; from {} on a power law, {:.2f} ({:.2f} to {:.2f})", from, tail->alpha.value, tail->alpha.low,
                    tail->alpha.high);
}

void append_durations(std::string& to, std::string_view name, const model::durations& of) {
  to += fmt::format("{:<9} p50 {:.3g} ms, p90 {:.3g} ms, p99 {:.3g} ms, mean {:.3g} ms", name, 1e3 * of.p50_s,
                    1e3 * of.p90_s, 1e3 * of.p99_s, 1e3 * of.mean_s);
}

void append_service(std::string& to, const model::service& of) {
  if (of.latency) {
    append_durations(to, "latency", *of.latency);
    to += fmt::format("; in flight {:.3g}, in the busiest hour {:.3g}\n", of.in_flight_mean, of.in_flight_busiest_hour);
  }
  if (of.upstream) {
    append_durations(to, "upstream", *of.upstream);
    to += '\n';
  }
}

void append_sessions(std::string& to, const model::sessions& of) {
  to += fmt::format(
      "sessions  {} by {}, {:.1f} requests each, between them p50 {:.0f} s, p90 {:.0f} s, mean {:.0f} s\n",
      grouped(of.count), of.key, of.requests_mean, of.think_time_p50_s, of.think_time_p90_s, of.think_time_mean_s);
  if (of.length_law.empty()) return;
  to += fmt::format("          p50 {:.0f}, p90 {:.0f}, p99 {:.0f} requests, {}", of.requests_p50, of.requests_p90,
                    of.requests_p99, of.length_law == "geometric" ? "geometric" : of.length_law + " than geometric");
  append_tail(to, of.length_tail, of.length_tail ? fmt::format("{:.0f}", of.length_tail->from) : "");
  to += '\n';
}

// Where sessions begin.
void append_paths(std::string& to, const model::session_paths& of) {
  constexpr std::size_t entries_shown = 3;
  double all = 0;
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  for (std::size_t i = 0; i < of.entries.size(); ++i) {
    all += static_cast<double>(of.entries[i]);
    order.emplace_back(of.entries[i], i);
  }
  if (all <= 0) return;
  std::ranges::sort(order, std::greater());
  to += "          begin at";
  for (std::size_t i = 0; i < std::min(order.size(), entries_shown) && order[i].first > 0; ++i) {
    to += fmt::format("{} {} ({:.0f} %)", i == 0 ? "" : ",", shortened(of.routes[order[i].second]),
                      100 * static_cast<double>(order[i].first) / all);
  }
  to += '\n';
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
  append_memory(to, of);
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
  text += fmt::format("sizes     p50 {}, p99 {}", size_text(profile.response_bytes_p50),
                      size_text(profile.response_bytes_p99));
  const auto& tail = profile.response_bytes_tail;
  append_tail(text, tail, tail ? size_text(tail->from) : "");
  text += '\n';
  append_service(text, profile.serving);
  append_sessions(text, profile.session);
  append_paths(text, profile.session.paths);
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
