#include "lab/report/comparison_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace assay::report {
namespace {

using model::finding;
using row = std::vector<std::string>;

// Texts come from descriptors, logs and stacks: nothing in them may move the cursor.
std::string plain(std::string text) {
  std::ranges::replace_if(text, [](char each) { return (each >= 0 && each < ' ') || each == 127; }, ' ');
  return text;
}

// Three digits that count; 999.5 and above would be "1e+03".
std::string figure(double value) {
  return value >= 999.5 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string with_interval(const std::optional<model::estimate>& of) {
  if (!of) return "not estimable";
  return fmt::format("{} [{}, {}]", figure(of->value), figure(of->low), figure(of->high));
}

std::string named(const model::candidate_summary& of) { return plain(of.title) + (of.ours ? " (ours)" : ""); }

// Columns are as wide as their widest cell, counted in code points.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char each) { return (static_cast<unsigned char>(each) & 0xc0U) != 0x80U; }));
}

std::string table(const std::vector<row>& rows) {
  std::vector<std::size_t> widths;
  for (const row& each : rows) {
    widths.resize(std::max(widths.size(), each.size()));
    for (std::size_t i = 0; i < each.size(); ++i) widths[i] = std::max(widths[i], width_of(each[i]));
  }
  std::string text;
  for (const row& each : rows) {
    std::string line = " ";
    for (std::size_t i = 0; i < each.size(); ++i) {
      line += " " + each[i] + std::string(widths[i] - width_of(each[i]) + 1, ' ');
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string joined(const row& words) {
  std::string text;
  for (const std::string& each : words) text += (text.empty() ? "" : ", ") + each;
  return text;
}

std::string verdict_of(const model::comparison& judged, const model::candidate_summary& of) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (of.freezes) add("FREEZES");
  if (of.complete == 0) add("no complete run");
  if (of.name == judged.reference) add("reference");
  for (const finding found :
       {finding::worse, finding::better, finding::equivalent, finding::inconclusive, finding::not_estimable}) {
    row phases;
    for (const std::string& phase : judged.phases()) {
      const auto* primary = judged.find_primary(of.name, phase);
      if (primary != nullptr && primary->verdict == found) phases.push_back(plain(phase));
    }
    if (!phases.empty()) add(fmt::format("{} in {}", label(found), joined(phases)));
  }
  return text;
}

// What is wrong with each, in a word, and what to do about it.
std::string diagnosis_text(const model::comparison& judged) {
  std::vector<row> rows;
  for (const auto& each : judged.candidates) {
    const model::candidate_diagnosis& of = each.diagnosis;
    rows.push_back({named(each), in_words(of.verdict), plain(of.text)});
    for (const auto& found : of.findings) {
      if (of.findings.size() > 1) {
        rows.push_back({"", in_words(found.what.kind),
                        fmt::format("{}; in {} of {} runs", plain(found.what.text), found.runs, of.judged)});
      }
      rows.push_back({"", "next", plain(found.what.next)});
    }
  }
  return "\nDiagnosis, under steady load; of calls that block, under any\n" + table(rows);
}

std::string short_metric(const std::string& metric) {
  return metric == "response_p90_ms" ? "p90" : metric == "response_p99_ms" ? "p99" : plain(metric);
}

std::vector<row> phase_table(const model::comparison& judged) {
  std::vector<row> rows(1, row{"against " + plain(judged.reference)});
  for (const std::string& phase : judged.phases()) {
    std::string metric = "no metric";
    for (const auto& each : judged.comparisons) {
      if (each.primary && each.phase == phase) metric = short_metric(each.metric);
    }
    rows[0].push_back(fmt::format("{} {}", plain(phase), metric));
  }
  for (const auto& candidate : judged.candidates) {
    if (candidate.name == judged.reference) continue;
    row& cells = rows.emplace_back(row{named(candidate)});
    for (const std::string& phase : judged.phases()) {
      const auto* primary = judged.find_primary(candidate.name, phase);
      if (primary == nullptr || !primary->ratio) {
        cells.emplace_back("not estimable");
      } else {
        cells.push_back(fmt::format("{}x [{}, {}] {}", figure(primary->ratio->value), figure(primary->ratio->low),
                                    figure(primary->ratio->high), label(primary->verdict)));
      }
    }
  }
  return rows;
}

// Of the phase where it is highest; lag in a quiet phase is no comfort.
const model::metric_summary* highest(const model::comparison& judged, const std::string& candidate,
                                     const char* metric) {
  const model::metric_summary* found = nullptr;
  for (const auto& each : judged.metrics) {
    if (each.candidate != candidate || each.metric != metric || !each.over_runs) continue;
    if (found == nullptr || each.over_runs->value > found->over_runs->value) found = &each;
  }
  return found;
}

std::vector<row> cost_table(const model::comparison& judged) {
  std::vector<row> rows(1, row{"", "loop lag p99 ms, worst phase", "recovery s"});
  const auto phases = judged.phases();
  constexpr std::array costs{std::pair{"cpu_ms_per_request", "CPU ms/request"}, std::pair{"rss_mib", "memory MiB"}};
  for (const auto& [metric, title] : costs) {
    rows[0].push_back(fmt::format("{}, {}", title, phases.empty() ? "-" : plain(phases.front())));
  }
  rows[0].emplace_back("runs");
  for (const auto& candidate : judged.candidates) {
    row& cells = rows.emplace_back(row{named(candidate)});
    const auto* lag = highest(judged, candidate.name, "lag_p99_ms");
    const bool is_seen = std::ranges::any_of(judged.metrics, [&](const model::metric_summary& each) {
      return each.candidate == candidate.name && each.metric == "lag_p99_ms" && !each.runs.empty();
    });
    cells.push_back(lag != nullptr ? fmt::format("{} ({})", with_interval(lag->over_runs), plain(lag->phase))
                    : is_seen      ? "not estimable"
                                   : "no loop seen");
    const auto* recovery = judged.find_metric(candidate.name, "", "recovery_s");
    cells.push_back(recovery == nullptr ? "-" : with_interval(recovery->over_runs));
    for (const auto& [metric, title] : costs) {
      const auto* cost = phases.empty() ? nullptr : judged.find_metric(candidate.name, phases.front(), metric);
      cells.push_back(cost == nullptr ? "-" : with_interval(cost->over_runs));
    }
    const unsigned others = candidate.invalid + candidate.failed;
    cells.push_back(others == 0 ? fmt::format("{}", candidate.complete)
                                : fmt::format("{} of {}", candidate.complete, candidate.complete + others));
  }
  return rows;
}

}  // namespace

std::string comparison_text(const model::comparison& judged) {
  std::vector<row> verdicts;
  for (const auto& each : judged.candidates) verdicts.push_back({named(each), verdict_of(judged, each)});
  std::string text = "Verdict\n" + table(verdicts);
  for (const auto& each : judged.candidates) {
    const auto* site = each.worst_site(judged.stall_threshold_ms);
    if (!each.freezes || site == nullptr) continue;
    text += fmt::format("\n{} freezes: {}{}{} blocks its event loop, {} times, {} ms at the longest, {} s in all\n",
                        named(each), plain(site->call), site->peer.empty() ? "" : " on " + plain(site->peer),
                        site->place.empty() ? "" : " at " + plain(site->place), site->count, figure(site->longest_ms),
                        figure(site->total_ms / 1e3));
  }
  text += diagnosis_text(judged);
  text += "\nResponse time, ratio [95 % interval]; verdicts corrected for their number (Holm)\n" +
          table(phase_table(judged));
  text += "\nCost [95 % interval]\n" + table(cost_table(judged));
  if (!judged.anomalies.empty()) text += "\nTo know before the numbers\n";
  for (const std::string& each : judged.anomalies) text += "  - " + plain(each) + "\n";
  return text;
}

}  // namespace assay::report
