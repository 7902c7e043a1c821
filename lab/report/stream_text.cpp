#include "lab/report/stream_text.hpp"

#include <fmt/format.h>

#include <string_view>

#include "lab/report/findings_text.hpp"
#include "lab/report/gates_text.hpp"
#include "lab/report/load_rows.hpp"
#include "lab/report/stalls_text.hpp"
#include "lab/report/time_row.hpp"

namespace assay::report {
namespace {

std::string head_line(const model::stream_result& result) {
  std::string line = result.valid ? "VALID" : "INVALID";
  std::string_view separator = ": ";
  for (const std::string& reason : result.reasons) {
    line.append(separator).append(reason);
    separator = "; ";
  }
  return line + "\n";
}

void append_what(std::string& to, const model::stream_result& result) {
  const bool events = result.kind == model::stream_kind::events;
  to += fmt::format("{} {}: {:.1f}s{}, {} connections", events ? "events of" : label(result.kind), result.url,
                    std::chrono::duration<double>(result.duration).count(), result.interrupted ? " (interrupted)" : "",
                    result.connections);
  if (result.offered_rate) {
    to += fmt::format(", open model, {} arrivals{}, seed {}", label(result.arrivals), tick_text(result.tick),
                      result.seed);
  }
  to += '\n';
}

std::string_view name_of_response(model::stream_kind kind) {
  return kind == model::stream_kind::broadcast ? "delivery" : "response time";
}

void append_counts(std::string& to, const std::map<std::string, std::uint64_t>& counts, std::string_view name) {
  if (counts.empty()) return;
  to += fmt::format("  {}:", name);
  for (const auto& [kind, count] : counts) to += fmt::format(" {} {}", kind, count);
  to += '\n';
}

void append_messages(std::string& to, const model::stream_result& result) {
  to += fmt::format("  {} messages sent, {} received", result.sent, result.received);
  if (result.reach) to += fmt::format(", reach {:.4g}%", 100 * *result.reach);
  if (result.surplus > 0) to += fmt::format(", {} more than once, late or elsewhere", result.surplus);
  if (result.unrelated > 0) to += fmt::format(", {} unrelated", result.unrelated);
  to += '\n';
}

// A line a stage: what was planned of it and what became of the messages that were meant for it.
void append_message_stages(std::string& to, const std::vector<model::load_stage>& stages, bool all_intervals) {
  if (stages.empty()) return;
  const bool intervals = all_intervals || have_room_for_intervals(stages.size());
  to += fmt::format("  {:<7}{:<15}{:>8}{:>8}{:>9}{:>7}{:>8}{:>8}{:>8}\n", "from", "planned", "due", "sent", "received",
                    "errors", "p50", "p99", "max");
  for (const model::load_stage& each : stages) {
    const observe::histogram& response = each.latency.response_time;
    to += fmt::format("  {:<7}{:<15}{:>8}{:>8}{:>9}{:>7}{:>8}{:>8}{:>8}\n", fmt::format("{:g}s", each.start_s),
                      each.shape, each.offered, each.sent, each.answered, model::total_of(each.errors),
                      quantile_text(response, 0.5), quantile_text(response, 0.99),
                      known_text(response, static_cast<double>(response.max())));
    if (intervals) append_stage_interval(to, each, "messages");
  }
}

// Gaps that the end cut would have been longer than it shows. Of a stream of some pace they are within it; longer than
// every gap that ended, they are what the quantiles leave out.
void append_events(std::string& to, const model::stream_result& result) {
  to += fmt::format("  {} events, longest silence {}\n", result.events,
                    time_text(static_cast<double>(result.longest_silence_ns)));
  const std::uint64_t cut = result.open_gap.count();
  const std::uint64_t longer = cut - result.open_gap.count_at_or_below(result.gap.max());
  if (longer == 0) return;
  to += fmt::format("  {} of {} streams were silent at the end for longer than any gap above, up to {}\n", longer, cut,
                    time_text(static_cast<double>(result.open_gap.max())));
}

void append_spectra(std::string& to, const model::stream_result& result) {
  if (result.kind == model::stream_kind::events) {
    append_spectrum(to, "first event", result.first_event);
    append_spectrum(to, "gap", result.gap);
  } else {
    append_spectrum(to, name_of_response(result.kind), result.latency.response_time);
    append_spectrum(to, "service time", result.latency.service_time);
  }
  to += '\n';
}

void append_generator(std::string& to, const model::stream_result& result) {
  to += fmt::format("  {} open at the end, opened {} times, {} again", result.open_at_end, result.connects,
                    result.reconnects);
  if (result.renewals > 0) to += fmt::format(", {} in place of one whose lifetime was over", result.renewals);
  to += fmt::format("; {} read\n", bytes_text(result.bytes_received));
  to += fmt::format("  generator: {:.1f}% of a CPU", 100 * result.generator.cpu_share);
  if (result.generator.cpu_per_request_ns > 0) {
    to += fmt::format(", {} each {}", time_text(result.generator.cpu_per_request_ns),
                      result.kind == model::stream_kind::events ? "event" : "message sent or received");
  }
  if (result.bytes_per_connection > 0) {
    to += fmt::format(", {:.0f} bytes a connection", result.bytes_per_connection);
  }
  to += '\n';
}

}  // namespace

std::string stream_text(const model::stream_result& result, const load_text_options& options) {
  const std::string_view unit = result.kind == model::stream_kind::broadcast ? "delivery" : "response";
  std::string text = head_line(result);
  append_what(text, result);
  append_row_heads(text);
  append_row(text, "connect", result.connect_time);
  append_row(text, result.kind == model::stream_kind::events ? "first byte" : "handshake", result.answer_time);
  if (result.kind == model::stream_kind::events) {
    append_row(text, "first event", result.first_event);
    append_row(text, "gap", result.gap);
    append_intervals(text, result.intervals);
    append_steadiness(text, result.steady, "gap");
  }
  if (result.offered_rate) {
    append_row(text, name_of_response(result.kind), result.latency.response_time);
    append_intervals(text, result.intervals);
    append_row(text, "service time", result.latency.service_time);
    append_row(text, "send lag", result.latency.send_lag);
    append_steadiness(text, result.steady, unit);
    append_message_stages(text, result.stages, options.spectrum);
    append_bursts(text, result.stages);
    if (options.spectrum) append_spectra(text, result);
    append_messages(text, result);
    append_stalls(text, result.stalls);
    if (result.arrivals_seen) append_send_fit(text, *result.arrivals_seen, result.arrivals);
  }
  if (result.kind == model::stream_kind::events) {
    if (options.spectrum) append_spectra(text, result);
    append_events(text, result);
  }
  append_counts(text, result.errors, "errors");
  append_counts(text, result.lost_connections, "connections lost or not opened");
  append_generator(text, result);
  append_gates(text, result.gates);
  if (result.offered_rate) {
    text += fmt::format("offered {:.2f} messages/s, received {:.2f}/s\n", *result.offered_rate, result.achieved_rate);
  }
  return text;
}

}  // namespace assay::report
