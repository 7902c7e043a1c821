#include "lab/report/profile_html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "lab/report/html.hpp"
#include "lab/report/profile_sections.hpp"
#include "lab/report/profile_text.hpp"
#include "lab/report/quantities.hpp"
#include "web/assets.hpp"

namespace assay::report {
namespace {

constexpr int chart_width = 720;
constexpr int chart_height = 140;
constexpr int axis_height = 18;

// Bars, the highest with its value above; each says what it is when pointed at.
struct bar_chart {
  std::string title;  // for who does not see it
  std::string each;   // "hour": what one bar is of
  std::string unit;
  std::size_t label_every = 1;

  std::string draw(const std::vector<double>& values) const {
    const double most = std::max(std::ranges::max(values), 1e-9);
    const double width = static_cast<double>(chart_width) / static_cast<double>(values.size());
    constexpr int highest = chart_height - 2 * axis_height;
    std::string svg = fmt::format(
        "<svg class=\"bars\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {} {}\">"
        "<text x=\"0\" y=\"12\">{} {}</text>",
        escape(title), chart_width, chart_height, number(most), escape(unit));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double height = values[i] / most * highest;
      const double left = static_cast<double>(i) * width;
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"><title>{} {}: {} {}</title></rect>", left,
          chart_height - axis_height - height, width - 1, height, escape(each), i, number(values[i]), escape(unit));
      if (i % label_every == 0) svg += fmt::format("<text x=\"{:.1f}\" y=\"{}\">{}</text>", left, chart_height - 4, i);
    }
    return svg + "</svg>";
  }
};

std::string warnings(const model::profile& profile) {
  std::string items;
  for (const model::log_source& each : profile.sources) {
    const std::uint64_t rejected = each.lines - each.kept;
    if (static_cast<double>(rejected) > most_rejected_quietly * static_cast<double>(each.lines)) {
      items += fmt::format("<li><span class=\"worse\">warning</span>: {}: {} of {} lines were rejected.</li>",
                           escape(each.path), grouped(rejected), grouped(each.lines));
    }
    if (each.clock_anomalies > 0) {
      items += fmt::format(
          "<li><span class=\"worse\">warning</span>: {}: the clock went back by more than 60 s on {} lines.</li>",
          escape(each.path), grouped(each.clock_anomalies));
    }
  }
  for (const std::string& note : profile.notes) items += fmt::format("<li>{}</li>", escape(note));
  return items.empty() ? items : "<h2>To know before the numbers</h2><ul>" + items + "</ul>";
}

std::string head_of_page(const model::profile& profile) {
  const model::arrivals& seen = profile.arrival;
  return fmt::format(
      "<h1>Workload</h1><p class=\"muted\">{} requests in {}, {} to {} UTC. Stamps of {}. Learned by assay {}.</p>",
      grouped(profile.requests), span_text(seen.last - seen.first + std::chrono::seconds(1)), instant_text(seen.first),
      instant_text(seen.last), escape(profile.resolution), escape(profile.tool_version));
}

// The portrait in six lines.
std::string summary(const model::profile& profile) {
  const model::arrivals& seen = profile.arrival;
  const auto hour = [&](double rate) { return seen.whole_hours > 0 ? rate_text(rate) : std::string("–"); };
  std::uint64_t of_none = 0;
  for (const auto& [reason, count] : profile.other) of_none += count;
  const std::array<std::pair<std::string, std::string>, 6> lines{{
      {"rate",
       fmt::format("mean {}, median hour {}, busiest hour {}, busiest second {}", rate_text(seen.mean_per_s),
                   hour(seen.median_hour_per_s), hour(seen.busiest_hour_per_s), rate_text(seen.busiest_second_per_s))},
      {"routes", fmt::format("{}, and {} requests of none", profile.routes.size(), grouped(of_none))},
      {"answers", status_mix(profile.statuses, profile.requests)},
      {"sizes",
       fmt::format("p50 {}, p99 {}", size_text(profile.response_bytes_p50), size_text(profile.response_bytes_p99))},
      {"sessions",
       fmt::format("{}, {} requests each", grouped(profile.session.count), number(profile.session.requests_mean))},
      {"errors", fmt::format("{} answers of 500 and above, the longest run of them {}", grouped(profile.errors.errors),
                             grouped(profile.errors.longest))},
  }};
  std::string text = "<div class=\"verdict\"><table><tbody>";
  for (const auto& [name, said] : lines) {
    text += fmt::format("<tr><th class=\"text\">{}</th><td class=\"text\">{}</td></tr>", name, said);
  }
  return text + "</tbody></table></div>";
}

std::string interval_of(const model::estimate& of) {
  return fmt::format("{} <small>[{}, {}]</small>", number(of.value), number(of.low), number(of.high));
}

std::string tail_sentence(const model::tail_fit& of, const std::string& from) {
  return fmt::format(
      "The tail from {} on, {} of them, fits a power law of exponent {} {} (greatest distance of the distribution "
      "functions {}).",
      from, grouped(of.alpha.n), interval_of(of.alpha), of.is_good() ? "well" : "badly, and is none",
      number(of.distance));
}

std::string memory_paragraph(const model::arrivals& seen) {
  std::string text;
  if (seen.hurst) {
    text += fmt::format("Hurst exponent {}: 0.5 is none, towards 1 busy times cluster at every scale from 8 to 512 s. ",
                        interval_of(*seen.hurst));
  }
  for (const auto& [lag, found] : seen.autocorrelation) {
    text += fmt::format("Counts of seconds {} s apart correlate by {}. ", lag, interval_of(found));
  }
  if (seen.gap_cv) {
    text += fmt::format("The gaps' deviation is {} of their mean; 1 is Poisson. ", interval_of(*seen.gap_cv));
  }
  return text.empty() ? text : "<h3>Memory</h3><p>" + text + "</p>";
}

std::string sizes_paragraph(const model::profile& of) {
  if (!of.response_bytes_tail) return "";
  const std::string from = size_text(of.response_bytes_tail->from);
  return "<p>Sizes of bodies: " + tail_sentence(*of.response_bytes_tail, from) + "</p>";
}

std::string rate_section(const model::arrivals& seen) {
  std::string text = "<h2>Rate</h2>";
  if (!seen.hour_of_day.empty()) {
    std::vector<double> rates = seen.hour_of_day;
    for (double& each : rates) each *= seen.mean_per_s;
    text += fmt::format(
        "<h3>The day</h3><p class=\"muted\">Requests a second in each hour of the day, of the clock of UTC{}.</p>",
        zone_text(seen.zone_minutes));
    text += bar_chart{.title = "rate by hour of the day", .each = "hour", .unit = "requests/s"}.draw(rates);
  }
  if (!seen.hour_of_week.empty()) {
    std::vector<double> rates = seen.hour_of_week;
    for (double& each : rates) each *= seen.mean_per_s;
    text += "<h3>The week</h3><p class=\"muted\">Likewise in each hour of the week, from Monday, 0 h on.</p>";
    text +=
        bar_chart{.title = "rate by hour of the week", .each = "hour", .unit = "requests/s", .label_every = 24}.draw(
            rates);
  }
  if (!seen.worst_minute.empty()) {
    text += "<h3>The worst minute</h3><p class=\"muted\">Requests of each second of the sixty that crowded most.</p>";
    text += bar_chart{.title = "requests by second", .each = "second", .unit = "requests", .label_every = 10}.draw(
        {seen.worst_minute.begin(), seen.worst_minute.end()});
  }
  if (seen.peak_to_mean.empty()) {
    return text + "<p>Bursts: not estimable from so short a log.</p>" + memory_paragraph(seen);
  }
  text +=
      "<h3>Bursts</h3><div class=\"scroll\"><table><caption>Variance of the counts over their mean, within hours: 1 is "
      "what independent clients make (Poisson), more is bursts.</caption><thead><tr><th class=\"text\">window</th>"
      "<th>variance over mean</th><th>busiest window over the mean</th></tr></thead><tbody>";
  for (const auto& [scale, peak] : seen.peak_to_mean) {
    const auto index = seen.dispersion.find(scale);
    text += fmt::format("<tr><td>{} s</td><td>{}</td><td>{}</td></tr>", scale,
                        index == seen.dispersion.end() ? "too few windows" : number(index->second), number(peak));
  }
  return text + "</tbody></table></div>" + memory_paragraph(seen);
}

std::string lengths_paragraph(const model::sessions& of) {
  if (of.length_law.empty()) return "";
  std::string text = fmt::format(
      "<p>Requests of a session: {:.0f} in the median, {:.0f} at p90, {:.0f} at p99; {} (greatest distance of the "
      "distribution functions {}).",
      of.requests_p50, of.requests_p90, of.requests_p99,
      of.length_law == "geometric" ? "geometric, as if all went on with the same chance after each"
                                   : escape(of.length_law) +
                                         " than a geometric law, in which all go on with the same "
                                         "chance after each",
      number(of.geometric_distance));
  if (of.length_tail)
    text += " " + tail_sentence(*of.length_tail, fmt::format("{:.0f} requests", of.length_tail->from));
  return text + "</p>";
}

std::string sessions_section(const model::profile& profile) {
  const model::sessions& of = profile.session;
  std::string text = fmt::format(
      "<h2>Sessions</h2><p>{} sessions by {}, {} requests each on the average; between two requests of one {} s in the "
      "median, {} s at p90, {} s on the average, whose deviation is {} times that. A silence of {} s ends a session.",
      grouped(of.count), escape(of.key), number(of.requests_mean), number(of.think_time_p50_s),
      number(of.think_time_p90_s), number(of.think_time_mean_s), number(of.think_time_cv), number(of.idle_cut_s));
  const auto single = std::ranges::find(profile.measures, model::measure_kind::short_sessions, &model::measure::kind);
  if (single != profile.measures.end()) text += fmt::format(" {} % are one request.", number(100 * single->value));
  return text + "</p>" + lengths_paragraph(of) + paths_table(of.paths);
}

std::string errors_section(const model::error_bursts& of) {
  return fmt::format(
      "<h2>Errors</h2><p>{} answers of 500 and above; {} times two or more came in a row, the longest {}.</p>",
      grouped(of.errors), grouped(of.bursts), grouped(of.longest));
}

constexpr const char* how_to_read =
    "<h2>How to misread this</h2><p>What never got another answer than 400, 404 or 405 is no route of the service, and "
    "is counted as such. Rates are those of the log: of one instance, if it is the log of one. Stamps of whole seconds "
    "do not say how requests lie inside a second, and nothing here claims to know. Sessions are told apart by address "
    "and user agent: people behind one address are one. No address, no value of a query and none of a path is "
    "kept.</p>";

}  // namespace

std::string profile_html(const model::profile& profile) {
  std::string page = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      // Whatever the page holds, it asks nobody for anything and runs nothing.
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "img-src data:\"><link rel=\"icon\" href=\"data:,\"><title>Assay: workload</title><style>{}</style></head><body>",
      web::report_style());
  page += head_of_page(profile) + summary(profile) + warnings(profile);
  page += rate_section(profile.arrival) + routes_section(profile) + placeholders_section(profile);
  page += statuses_section(profile) + sizes_paragraph(profile) + service_section(profile) + sessions_section(profile) +
          errors_section(profile.errors);
  page += measures_section(profile) + sources_section(profile);
  return page + how_to_read + "</body></html>\n";
}

}  // namespace assay::report
