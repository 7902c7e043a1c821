#include "lab/report/load_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "lab/report/findings_text.hpp"
#include "lab/report/gates_text.hpp"
#include "lab/report/load_rows.hpp"
#include "lab/report/stalls_text.hpp"
#include "lab/report/time_row.hpp"

namespace assay::report {
namespace {

// One line a scenario: what became of its sessions, and how long those took that finished.
void append_sessions(std::string& to, const model::load_result& result) {
  std::size_t widest = 8;
  std::uint64_t waited = 0;
  for (const model::load_sessions& each : result.sessions) widest = std::max(widest, each.name.size());
  to += fmt::format("  {:<{}}{:>9}{:>9}{:>9}{:>10}{:>8}{:>9}{:>9}\n", "sessions", widest + 1, "offered", "started",
                    "finished", "abandoned", "cut", "p50", "max");
  for (const model::load_sessions& each : result.sessions) {
    to += fmt::format("  {:<{}}{:>9}{:>9}{:>9}{:>10}{:>8}{:>9}{:>9}\n", each.name, widest + 1, each.offered,
                      each.started, each.finished, each.abandoned, each.cut, quantile_text(each.time, 0.5),
                      known_text(each.time, static_cast<double>(each.time.max())));
    waited += each.waited + (each.offered - each.started);
  }
  if (waited > 0) {
    to += fmt::format("  {} sessions had to wait, or never began: {} may be under way at once (-c)\n", waited,
                      result.connections);
  }
}

// Whether the sessions of each scenario began as they were to; or only of the one that did so least.
void append_session_starts(std::string& to, const std::vector<model::load_sessions>& sessions, bool all) {
  const auto off = [](const model::load_sessions& of) { return of.arrivals_seen ? of.arrivals_seen->gaps_off : -1; };
  const auto worst = std::ranges::max_element(sessions, {}, off);
  for (auto each = sessions.begin(); each != sessions.end(); ++each) {
    if (!each->arrivals_seen || (!all && each != worst)) continue;
    append_send_fit(to, *each->arrivals_seen, each->arrivals, "arrivals of " + each->name);
  }
}

// That it may have been the connections, too few of them, that made requests late.
void append_waits(std::string& to, const model::load_result& result) {
  if (!model::many_waited(result)) return;
  const double share = static_cast<double>(result.waited_for_connection) / static_cast<double>(result.offered_requests);
  to += fmt::format(
      "  {} of {} requests ({:.2g} %) were due while all {} connections were busy: if the service can take more at a "
      "time, more of them (-c) make them earlier\n",
      result.waited_for_connection, result.offered_requests, 100 * share, result.connections);
}

// Which of the printed times the generator's own stalls can have made; or that it was late, which its p99 does not
// show, and the printed maximum does.
void append_own_lag(std::string& to, const model::load_result& result) {
  if (append_stalls(to, result.stalls)) return;
  constexpr std::uint64_t least_ns = 1'000'000;
  const std::uint64_t late_ns = result.generator.own_lag_max_ns;
  if (result.model == model::load_model::closed || late_ns < least_ns) return;
  if (late_ns < result.latency.response_time.max() / 10) return;
  to += fmt::format("  the generator itself was late by up to {}: the longest of these times may be its own\n",
                    time_text(static_cast<double>(late_ns)));
}

std::string head_line(const model::load_result& result) {
  std::string line = result.valid ? "VALID" : "INVALID";
  std::string_view separator = ": ";
  for (const std::string& reason : result.reasons) {
    line.append(separator).append(reason);
    separator = "; ";
  }
  return line + "\n";
}

}  // namespace

std::string load_text(const model::load_result& result, const load_text_options& options) {
  std::string text = head_line(result);
  const double seconds = std::chrono::duration<double>(result.duration).count();
  const bool open = result.model != model::load_model::closed;
  const std::string what = result.method.empty() ? fmt::format("{} requests to", result.routes.size()) : result.method;
  text += fmt::format("{} {}: {:.1f}s{}, {} connections, {} thread{}, {} model", what, result.url, seconds,
                      result.interrupted ? " (interrupted)" : "", result.connections, result.threads,
                      result.threads == 1 ? "" : "s", label(result.model));
  if (!result.sessions.empty()) text += " (sessions open, requests inside closed)";
  if (open)
    text += fmt::format(", {} arrivals{}, seed {}", label(result.arrivals), tick_text(result.tick), result.seed);
  text += '\n';
  const std::size_t rows = result.routes.size() + (result.sessions.empty() ? 0 : 1 + result.sessions.size());
  append_row_heads(text);
  if (open) append_row(text, "response time", result.latency.response_time);
  if (open) append_intervals(text, result.intervals);
  append_row(text, "service time", result.latency.service_time);
  if (!open) append_intervals(text, result.intervals);  // which is the same there
  if (open) append_row(text, "send lag", result.latency.send_lag);
  append_steadiness(text, result.steady);
  if (options.spectrum) append_row(text, "first byte", result.first_byte);
  if (options.spectrum) append_row(text, "connect", result.connect_time);
  if (!result.stages.empty()) append_stages(text, result.stages, options.spectrum);
  append_bursts(text, result.stages);
  if (!result.routes.empty()) append_routes(text, result.routes, options.spectrum || have_room_for_intervals(rows));
  if (!result.sessions.empty()) append_sessions(text, result);
  if (options.spectrum) {
    if (open) append_spectrum(text, "response time", result.latency.response_time);
    append_spectrum(text, "service time", result.latency.service_time);
    text += '\n';
  }
  text +=
      fmt::format("  {} responses in {:.2f}s, {} read", result.requests, seconds, bytes_text(result.bytes_received));
  if (result.resent > 0) text += fmt::format(", {} sent twice", result.resent);
  if (result.redirects > 0) text += fmt::format(", {} redirects followed", result.redirects);
  text += '\n';
  append_waits(text, result);
  append_own_lag(text, result);
  if (result.arrivals_seen) append_send_fit(text, *result.arrivals_seen, result.arrivals);
  append_session_starts(text, result.sessions, options.spectrum);
  if (!result.errors.empty()) {
    text += "  errors:";
    for (const auto& [kind, count] : result.errors) text += fmt::format(" {} {}", kind, count);
    text += '\n';
  }
  append_gates(text, result.gates);
  if (open) text += fmt::format("offered {:.2f} req/s, ", result.offered_rps.value_or(0));
  text += fmt::format("achieved {:.2f} req/s", result.achieved_rps);
  // An answer that is an error is an answer, and no success.
  if (!result.errors.empty()) {
    text += fmt::format(", {:.2f} as expected and in time", result.good_rps);
  }
  text += '\n';
  if (model::has_collapsed(result)) {
    text += fmt::format("the service collapsed: {:.2g} % of what was offered came back as expected and in time\n",
                        100 * result.good_rps / *result.offered_rps);
  }
  return text;
}

}  // namespace assay::report
