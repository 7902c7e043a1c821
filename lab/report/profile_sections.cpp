#include "lab/report/profile_sections.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "lab/report/html.hpp"
#include "lab/report/quantities.hpp"

namespace assay::report {
namespace {

std::string with_share(std::uint64_t count, std::uint64_t all) {
  const model::estimate share = model::share(count, all);
  return fmt::format("{:.2f} % <small>[{:.2f}, {:.2f}]</small>", 100 * share.value, 100 * share.low, 100 * share.high);
}

std::string with_percent(std::uint64_t count, std::uint64_t all) {
  return fmt::format("{:.3g} %", all > 0 ? 100 * static_cast<double>(count) / static_cast<double>(all) : 0);
}

std::string each_status(const std::map<int, std::uint64_t>& statuses) {
  std::vector<std::string> each;
  for (const auto& [status, count] : statuses) each.push_back(fmt::format("{}: {}", status, grouped(count)));
  return fmt::to_string(fmt::join(each, ", "));
}

std::string query_keys_of(const model::route& route) {
  std::vector<std::string> keys;
  for (const auto& [key, count] : route.query_keys) {
    keys.push_back(fmt::format("{} ({})", escape(key), with_percent(count, route.requests)));
  }
  return keys.empty() ? "" : fmt::format("<small>?{}</small>", fmt::join(keys, ", "));
}

std::string range_of(const model::placeholder& of) {
  return of.least && of.greatest ? fmt::format("{} to {}", *of.least, *of.greatest) : std::string("–");
}

std::string rejections_of(const model::log_source& source) {
  std::string text;
  for (const auto& [reason, count] : source.rejected) {
    const auto sample = source.rejected_sample.find(reason);
    text += fmt::format("<small>{}: {}{}</small>", grouped(count), escape(reason),
                        sample == source.rejected_sample.end() ? "" : "; " + escape(sample->second));
  }
  return text;
}

std::string error_of(const model::measure& of) {
  if (model::is_share(of.kind)) return fmt::format("± {} points", number(100 * of.error));
  return fmt::format("× or ÷ {}", number(std::exp(of.error)));
}

}  // namespace

std::string routes_section(const model::profile& profile) {
  std::string text =
      "<h2>Routes</h2><div class=\"scroll\"><table><caption>Shares with their 95 % intervals, as if requests chose "
      "their route independently. Sizes are of bodies, within 1 %. Below a route: its query keys, and how many of its "
      "requests carry them.</caption><thead><tr><th class=\"text\">route</th><th>requests</th><th>share</th>"
      "<th class=\"text\">answers</th><th>size p50</th><th>size p99</th></tr></thead><tbody>";
  for (const model::route& each : profile.routes) {
    text += fmt::format(
        "<tr><td>{}{}</td><td>{}</td><td>{}</td><td class=\"text\">{}<small>{}</small></td><td>{}</td><td>{}</td></tr>",
        escape(each.name()), query_keys_of(each), grouped(each.requests), with_share(each.requests, profile.requests),
        status_mix(each.statuses, each.requests), each_status(each.statuses), size_text(each.response_bytes_p50),
        size_text(each.response_bytes_p99));
  }
  for (const auto& [reason, count] : profile.other) {
    text += fmt::format(
        "<tr><td class=\"muted\">{}</td><td>{}</td><td>{}</td><td class=\"text\"></td><td></td><td></td></tr>",
        escape(reason), grouped(count), with_share(count, profile.requests));
  }
  return text + "</tbody></table></div>";
}

std::string placeholders_section(const model::profile& profile) {
  std::string rows;
  for (const model::route& route : profile.routes) {
    for (const model::placeholder& each : route.placeholders) {
      rows += fmt::format(
          "<tr><td>{}</td><td class=\"text\">{{{}}}</td><td class=\"text\">{}</td><td>{}{}</td><td>{}</td><td>{}</td>"
          "<td>{:.0f} %</td><td class=\"text\">{}</td></tr>",
          escape(route.name()), escape(each.name), escape(each.shape), each.distinct_capped ? "over " : "",
          grouped(each.distinct), range_of(each), each.zipf_exponent ? number(*each.zipf_exponent) : "–",
          100 * each.top_tenth_share, escape(each.why));
    }
  }
  if (rows.empty()) return "";
  return "<h2>Values in paths</h2><div class=\"scroll\"><table><caption>What stands in a placeholder. Zipf: the value "
         "of rank r is asked for in proportion to r to the power of -s. No value is kept.</caption><thead><tr>"
         "<th class=\"text\">route</th><th class=\"text\">name</th><th class=\"text\">shape</th><th>different ones</th>"
         "<th>range</th><th>Zipf s</th><th>the tenth asked for most gets</th><th class=\"text\">why they are values"
         "</th></tr></thead><tbody>" +
         rows + "</tbody></table></div>";
}

std::string statuses_section(const model::profile& profile) {
  std::string text =
      "<h2>Answers</h2><div class=\"scroll\"><table><thead><tr><th class=\"text\">status</th><th>answers</th>"
      "<th>share</th></tr></thead><tbody>";
  for (const auto& [status, count] : profile.statuses) {
    text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                        status == 0 ? std::string("none") : std::to_string(status), grouped(count),
                        with_share(count, profile.requests));
  }
  return text + "</tbody></table></div>";
}

std::string paths_table(const model::session_paths& of) {
  if (of.routes.empty()) return "";
  double sessions = 0;
  for (const std::uint64_t each : of.entries) sessions += static_cast<double>(each);
  std::string text = fmt::format(
      "<h3>Ways</h3><div class=\"scroll\"><table><caption>Where sessions begin, and what follows a request of a route, "
      "in percent of what follows one. Seen of {} requests of clients that were followed; shares of all steps are off "
      "by {} points in all.</caption><thead><tr><th class=\"text\">behind</th><th>begin</th>",
      grouped(of.followed), number(100 * of.error));
  for (std::size_t i = 0; i < of.routes.size(); ++i) text += fmt::format("<th>{}</th>", i + 1);
  text += "<th>end</th></tr></thead><tbody>";
  for (std::size_t i = 0; i < of.routes.size(); ++i) {
    double behind = 0;
    for (const std::uint64_t each : of.next[i]) behind += static_cast<double>(each);
    const auto percent = [](std::uint64_t part, double all) {
      return part == 0 ? std::string("<td></td>")
                       : fmt::format("<td>{:.0f}</td>", 100 * static_cast<double>(part) / all);
    };
    text += fmt::format("<tr><td>{} {}</td>{}", i + 1, escape(of.routes[i]), percent(of.entries[i], sessions));
    for (const std::uint64_t each : of.next[i]) text += percent(each, behind);
    text += fmt::format("<td>{:.0f}</td></tr>", 100 * of.ends_after(i));
  }
  return text + "</tbody></table></div>";
}

std::string service_section(const model::profile& profile) {
  const model::service& of = profile.serving;
  std::string text;
  if (of.latency) {
    text +=
        "<h2>Latency</h2><div class=\"scroll\"><table><caption>As whoever wrote the log saw it. Upstream: of it, "
        "waited for what is behind.</caption><thead><tr><th class=\"text\">of</th><th>requests</th><th>mean</th>"
        "<th>p50</th><th>p90</th><th>p99</th><th>p99.9</th></tr></thead><tbody>";
    const auto row = [&](const std::string& name, const model::durations& each) {
      text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                          escape(name), grouped(each.requests), milliseconds(1e3 * each.mean_s),
                          milliseconds(1e3 * each.p50_s), milliseconds(1e3 * each.p90_s),
                          milliseconds(1e3 * each.p99_s), milliseconds(1e3 * each.p999_s));
    };
    row("all requests", *of.latency);
    if (of.upstream) row("upstream", *of.upstream);
    for (const model::route& each : profile.routes) {
      if (each.latency) row(each.name(), *each.latency);
    }
    text += fmt::format(
        "</tbody></table></div><p>In flight at a time, by Little's law: {} on the average, {} in the busiest hour.</p>",
        number(of.in_flight_mean), number(of.in_flight_busiest_hour));
  }
  if (of.sized_requests > 0) {
    text += fmt::format("<p>Sizes of {} requests: p50 {}, p99 {}.</p>", grouped(of.sized_requests),
                        size_text(of.request_bytes_p50), size_text(of.request_bytes_p99));
  }
  std::vector<std::string> protocols;
  for (const auto& [name, times] : of.protocols) {
    protocols.push_back(fmt::format("{} {}", escape(name), with_percent(times, profile.requests)));
  }
  if (!protocols.empty()) text += fmt::format("<p>Protocols: {}.</p>", fmt::join(protocols, ", "));
  if (of.requests_per_connection) {
    text += fmt::format("<p>{} requests a connection.</p>", number(*of.requests_per_connection));
  }
  return text;
}

std::string measures_section(const model::profile& profile) {
  if (profile.measures.empty()) return "";
  std::string text =
      "<h2>How well it is known</h2><div class=\"scroll\"><table><caption>What another workload is compared by "
      "(<code>assay learn --compare</code>), with one standard error: in points of a share, as a factor of all else. "
      "It is that of blocks of the log, in which requests depend on each other.</caption><thead><tr>"
      "<th class=\"text\">measure</th><th class=\"text\">of</th><th>value</th><th>standard error</th></tr></thead>"
      "<tbody>";
  for (const model::measure& each : profile.measures) {
    const bool is_share = model::is_share(each.kind);
    std::string kind(model::label(each.kind));
    std::ranges::replace(kind, '_', ' ');
    text += fmt::format("<tr><td>{}</td><td class=\"text\">{}</td><td>{}{}</td><td>{}</td></tr>", kind, escape(each.of),
                        number(is_share ? 100 * each.value : each.value), is_share ? " %" : "", error_of(each));
  }
  return text + "</tbody></table></div>";
}

std::string sources_section(const model::profile& profile) {
  std::string text =
      "<h2>Sources</h2><div class=\"scroll\"><table><thead><tr><th class=\"text\">file</th><th class=\"text\">format"
      "</th><th>bytes</th><th>lines</th><th>understood</th><th class=\"text\">refused</th><th class=\"text\">SHA-256"
      "</th></tr></thead><tbody>";
  for (const model::log_source& each : profile.sources) {
    text += fmt::format(
        "<tr><td>{}</td><td class=\"text\">{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"text\">{}{}</td>"
        "<td class=\"text\"><code title=\"{}\">{}</code></td></tr>",
        escape(each.path), escape(each.format), grouped(each.bytes), grouped(each.lines), grouped(each.kept),
        grouped(each.lines - each.kept), rejections_of(each), escape(each.sha256), escape(each.sha256.substr(0, 16)));
  }
  return text + "</tbody></table></div>";
}

}  // namespace assay::report
