#include "lab/decide/evidence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace assay::decide {
namespace {

bool is_control(char each) { return (each >= 0 && each < ' ') || each == 127; }

// A bar ends a cell of a table, even in a code span.
std::string in_cell(const std::string& text) {
  std::string safe;
  for (const char each : text) {
    if (each == '|') safe += '\\';
    safe += each;
  }
  return safe;
}

std::string one_line(std::string text) {
  std::ranges::replace_if(text, is_control, ' ');
  return text;
}

}  // namespace

// 999.5 and above would be "1e+03".
std::string figure(double value) {
  return value >= 999.5 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string with_interval(const model::estimate& of) {
  return fmt::format("{} [{}, {}]", figure(of.value), figure(of.low), figure(of.high));
}

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char each : one_line(text)) {
    if (each == '<') {
      safe += "&lt;";
    } else if (each == '&') {
      safe += "&amp;";
    } else {
      if (std::string_view("\\`*_[]|#~").find(each) != std::string_view::npos) safe += '\\';
      safe += each;
    }
  }
  return safe;
}

std::string code(const std::string& text) {
  std::string safe = one_line(text);
  std::ranges::replace(safe, '`', '\'');
  return "`" + safe + "`";
}

std::string in_quotes(const std::string& text) {
  std::string safe = "\"";
  for (const char each : one_line(text)) {
    if (each == '"' || each == '\\') safe += '\\';
    safe += each;
  }
  return safe + "\"";
}

std::string named(const model::candidate_summary& of) { return escaped(of.title) + (of.ours ? " (ours)" : ""); }

std::string evidence_table::add(row made) {
  const auto [found, is_new] = ids_.try_emplace({made.claim, made.metric}, rows_.size() + 1);
  if (is_new) rows_.push_back(std::move(made));
  return fmt::format("E{}", found->second);
}

std::string evidence_table::cite(const model::metric_comparison& of) {
  return add(
      {.claim = fmt::format("{} against {}, {}", escaped(of.candidate), escaped(of.reference), escaped(of.phase)),
       .metric = fmt::format("{}, ratio", code(of.metric)),
       .value = of.ratio ? with_interval(*of.ratio) : "not estimable",
       .n = of.ratio ? fmt::format("{}", of.ratio->n) : "-",
       .verdict = of.primary ? fmt::format("**{}**", label(of.verdict)) : std::string(label(of.verdict))});
}

std::string evidence_table::cite(const model::metric_summary& of) {
  return add({.claim = fmt::format("{}, {}", escaped(of.candidate), of.phase.empty() ? "whole run" : escaped(of.phase)),
              .metric = code(of.metric),
              .value = of.over_runs ? with_interval(*of.over_runs) : "not estimable",
              .n = fmt::format("{}", of.runs.size()),
              .verdict = "measured"});
}

std::string evidence_table::cite_freeze(const model::candidate_summary& of, const model::blocking_site& site) {
  return add({.claim = fmt::format("{}, event loop blocked", escaped(of.name)),
              .metric = fmt::format("{}{}", code(site.call), site.place.empty() ? "" : " at " + code(site.place)),
              .value = fmt::format("{} s in {} calls, longest {} ms", figure(site.total_ms / 1e3), site.count,
                                   figure(site.longest_ms)),
              .n = fmt::format("{}", of.complete),
              .verdict = of.freezes ? "**freezes**" : "measured"});
}

std::string evidence_table::cite_diagnosis(const model::candidate_summary& of) {
  const model::candidate_diagnosis& made = of.diagnosis;
  return add({.claim = fmt::format("{}, diagnosis", escaped(of.name)),
              .metric = made.phase.empty() ? "-" : "under steady load: " + escaped(made.phase),
              .value = fmt::format("{} of {} runs", made.agreeing, made.judged),
              .n = fmt::format("{}", made.judged),
              .verdict = in_words(made.verdict)});
}

std::string evidence_table::cite_cause(const model::candidate_summary& of, const model::shared_cause& what) {
  const model::named_cause& cause = what.what;
  std::string where = cause.call.empty() ? "-" : code(cause.call);
  if (!cause.peer.empty()) where += " on " + code(cause.peer);
  if (!cause.place.empty()) where += " at " + code(cause.place);
  std::string value = fmt::format("in {} of {} runs", what.runs, of.diagnosis.judged);
  if (!cause.numbers.empty()) {
    const model::evidence& first = cause.numbers.front();
    value = fmt::format("{} {} in run {}; {}", code(first.name), figure(first.value), what.run, value);
  }
  return add({.claim = fmt::format("{}, {}", escaped(of.name), in_words(cause.kind)),
              .metric = where,
              .value = value,
              .n = fmt::format("{}", of.diagnosis.judged),
              .verdict = fmt::format("**{}**", in_words(cause.kind))});
}

std::string evidence_table::cite_recovery(const model::candidate_summary& of, std::size_t runs_that_came_back) {
  return add({.claim = fmt::format("{}, whole run", escaped(of.name)),
              .metric = code("recovery_s"),
              .value = fmt::format("came back in {} of {} runs", runs_that_came_back, of.complete),
              .n = fmt::format("{}", of.complete),
              .verdict = "measured"});
}

std::string evidence_table::cite_runs(const model::candidate_summary& of) {
  return add({.claim = fmt::format("{}, runs", escaped(of.name)),
              .metric = "state",
              .value = fmt::format("{} complete, {} failed, {} invalid", of.complete, of.failed, of.invalid),
              .n = fmt::format("{}", of.complete + of.failed + of.invalid),
              .verdict = of.failed > 0 ? "failed" : "measured"});
}

std::string evidence_table::markdown() const {
  std::string text = "| Id | Claim | Metric | Estimate [95 %] | Runs | Verdict |\n|---|---|---|---|---|---|\n";
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    const row& each = rows_[i];
    text += fmt::format("| E{} | {} | {} | {} | {} | {} |\n", i + 1, each.claim, in_cell(each.metric), each.value,
                        each.n, each.verdict);
  }
  return text;
}

}  // namespace assay::decide
