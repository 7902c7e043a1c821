#include "cli/stream_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <expected>
#include <optional>
#include <string_view>
#include <utility>

#include "cli/load_options.hpp"
#include "cli/load_outputs.hpp"
#include "cli/load_view.hpp"
#include "cli/run_watched.hpp"
#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "cli/watch_load.hpp"
#include "lab/load/live_history.hpp"
#include "lab/load/stream_engine.hpp"
#include "lab/load/stream_gates.hpp"
#include "lab/load/stream_options.hpp"
#include "lab/model/number.hpp"
#include "lab/report/stream_json.hpp"
#include "lab/report/stream_text.hpp"
#include "stack/runtime/signals.hpp"

namespace assay::cli {
namespace {

// What belongs to requests and was typed all the same; empty when nothing was.
std::string_view out_of_place(const load_arguments& typed) {
  const std::array given{
      std::pair{"--threads", typed.threads != 1},       std::pair{"--method", !typed.method.empty()},
      std::pair{"--body", !typed.body.empty()},         std::pair{"--curl", !typed.curl.empty()},
      std::pair{"--har", !typed.har.empty()},           std::pair{"--requests", !typed.requests.empty()},
      std::pair{"--sessions", !typed.sessions.empty()}, std::pair{"--per-connection", typed.per_connection.has_value()},
      std::pair{"--follow", typed.follow > 0},          std::pair{"--feed", !typed.feeds.empty()},
      std::pair{"--check", !typed.checks.empty()},      std::pair{"--spin", typed.spin}};
  for (const auto& [name, typed_it] : given) {
    if (typed_it) return name;
  }
  return {};
}

std::expected<load::stream_plan, std::string> plan_of(const load_arguments& typed) {
  if (const std::string_view wrong = out_of_place(typed); !wrong.empty()) {
    return std::unexpected(fmt::format("{}: not of WebSocket or events, which run on one thread", wrong));
  }
  std::expected<load::load_options, std::string> read = read_load_options(typed);
  if (!read) return std::unexpected(read.error());
  load::stream_options options{.url = std::move(read->url),
                               .rate_per_s = read->rate_per_s,
                               .arrivals = read->arrivals,
                               .tick = read->tick,
                               .length = read->length,
                               .stages = std::move(read->stages),
                               .connections = read->connections,
                               .headers = std::move(read->headers),
                               .broadcast = typed.broadcast,
                               .events = typed.events,
                               .keep_seconds = wants_seconds(typed),
                               .sources = typed.sources,
                               .timeout = read->timeout,
                               .seed = read->seed,
                               .io = read->io};
  if (typed.lifetime) {
    const std::expected<duration, std::string> mean = parse_duration(*typed.lifetime);
    if (!mean) return std::unexpected("--lifetime " + mean.error());
    options.lifetime = *mean;
  }
  if (typed.message) options.message = *typed.message;
  if (typed.connect_rate) {
    const auto pace = model::parse_number(*typed.connect_rate);
    if (!pace) return std::unexpected(fmt::format("--connect-rate \"{}\": expected a number", *typed.connect_rate));
    options.connects_per_s = *pace;
  }
  return load::normalize(std::move(options));
}

// The screen shows seconds, which are of messages alone; of others it is a line.
bool shows_screen(const load_arguments& typed, const load::stream_plan& plan) {
  const bool has_messages = plan.options.rate_per_s.has_value();
  return has_messages && wants_screen(typed);
}

// Idle connections have no times to show beside those of opening them.
std::expected<void, std::string> check_times_shown(const load_arguments& typed, const load::stream_plan& plan) {
  if (plan.kind != model::stream_kind::idle || (!typed.spectrum && typed.hdr.empty())) return {};
  return std::unexpected(fmt::format("{}: expected a rate of messages, -R or --stage; idle connections say nothing",
                                     typed.spectrum ? "--latency" : "--hdr"));
}

int write_result(const load_arguments& typed, const model::stream_result& result) {
  const std::string text =
      typed.json ? report::stream_json(result) : report::stream_text(result, {.spectrum = typed.spectrum});
  if (const int said = print("load", text, summary_stream(typed)); said != ok) return said;
  if (const auto wrote = write_hdr_files(typed.hdr, result); !wrote) {
    return complain("load", could_not_run, wrote.error());
  }
  return ok;
}

void show_view(const load::stream_view& seen, unsigned connections, duration length) {
  const double seconds = std::chrono::duration<double>(seen.elapsed).count();
  if (seen.elapsed == duration::zero()) {
    fmt::print(stderr, "\r\x1b[K{} of {} connections open", seen.open, connections);
  } else {
    fmt::print(stderr, "\r\x1b[K{:.1f}s of {:.0f}s  {} open  {} sent  {} received", seconds,
               std::chrono::duration<double>(length).count(), seen.open, seen.sent, seen.received);
  }
}

// One line on the terminal, rewritten; nothing when stderr is not one. And the rows of seconds, at the same moments.
class stream_progress {
 public:
  stream_progress(const load::stream_engine& engine, second_writer* rows, unsigned connections, duration length)
      : engine_(engine),
        rows_(rows),
        connections_(connections),
        length_(length),
        shown_(::isatty(STDERR_FILENO) == 1) {}
  void show(bool interrupted) const {
    if (shown_) show_view(engine_.progress(), connections_, length_);
    if (rows_ != nullptr && !interrupted) rows_->follow(engine_);
  }
  void clear() const {
    if (shown_) fmt::print(stderr, "\r\x1b[K");
  }

 private:
  const load::stream_engine& engine_;
  second_writer* rows_;
  unsigned connections_;
  duration length_;
  bool shown_;
};

auto watch(load::stream_engine& engine, stop_signals& stop, second_writer* rows, const load::stream_options& options,
           const std::optional<model::load_screen>& head) {
  if (head) {
    load_view view(engine, *head, rows, true);
    return run_watched(engine, stop, view);
  }
  const stream_progress line(engine, rows, options.connections, options.length);
  return run_watched(engine, stop, line);
}

}  // namespace

bool is_stream_load(const load_arguments& typed) {
  return typed.events || (typed.url && load::is_websocket_url(*typed.url));
}

int stream_command(const load_arguments& typed) {
  std::expected<load::stream_plan, std::string> plan = plan_of(typed);
  if (!plan) return complain("load", usage, plan.error());
  if (const auto shown = check_times_shown(typed, *plan); !shown) return complain("load", usage, shown.error());
  const auto gates = read_outputs(typed);
  if (!gates) return complain("load", usage, gates.error());
  if (const auto had = load::check_gates(*gates, *plan); !had) return complain("load", usage, "--slo " + had.error());
  plan->options.gated_quantiles = load::gate_quantiles(*gates);
  plan->options.windowed = load::windowed_gates(*gates);
  std::optional<model::load_screen> head;
  if (shows_screen(typed, *plan)) {
    plan->options.keep_seconds = true;
    head = load::head_of(*plan);
  }
  stop_signals stop;  // before any thread: Ctrl-C ends the run, it does not kill it
  load::stream_engine engine(*plan);
  std::expected<live_outputs, std::string> outputs = live_outputs::open(typed, engine);
  if (!outputs) return complain("load", could_not_run, outputs.error());
  auto [result, ended_by] = watch(engine, stop, outputs->rows(), plan->options, head);
  if (!result) return came_to_nothing("load", result.error(), ended_by);
  const auto told = outputs->finish(engine, result->duration);
  const bool kept = load::judge_gates(*gates, *result);
  if (const int failed = write_result(typed, *result); failed != ok) return failed;
  if (!told) return complain("load", could_not_run, told.error());
  if (ended_early(*result, ended_by)) return code_of_signal(ended_by);
  if (!result->valid) return invalid_measurement;
  return kept ? ok : gate_failed;
}

}  // namespace assay::cli
