#include "cli/load_command.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <expected>
#include <string_view>
#include <utility>

#include "cli/calibrate_command.hpp"
#include "cli/crossover_command.hpp"
#include "cli/load_inputs.hpp"
#include "cli/load_options.hpp"
#include "cli/session_command.hpp"
#include "cli/speech.hpp"
#include "cli/stream_command.hpp"
#include "cli/values.hpp"
#include "cli/watch_load.hpp"
#include "lab/load/engine.hpp"
#include "lab/load/gate.hpp"
#include "lab/load/live_history.hpp"

namespace assay::cli {
namespace {

std::expected<load::load_plan, std::string> plan_of(const load_arguments& typed, bool on_screen) {
  std::expected<load::load_options, std::string> options = read_load_options(typed);
  if (!options) return std::unexpected(options.error());
  const auto notice = read_load_inputs(typed, *options);
  if (!notice) return std::unexpected(notice.error());
  if (!notice->empty()) fmt::print(stderr, "assay load: {}\n", one_line(*notice));
  return plan_with_seconds(typed, on_screen, std::move(*options),
                           [](load::load_options with) { return load::normalize(std::move(with)); });
}

// What was typed and means nothing for requests; empty when nothing was.
std::string_view of_streams(const load_arguments& typed) {
  if (typed.broadcast) return "--broadcast";
  if (typed.message) return "--message";
  if (typed.connect_rate) return "--connect-rate";
  if (typed.lifetime) return "--lifetime";
  return typed.sources.empty() ? std::string_view() : "--source";
}

}  // namespace

int load_command(const load_arguments& typed) {
  if (typed.calibrate) return calibrate_command(typed);
  if (!typed.crossover.empty()) return crossover_command(typed);
  if (typed.has_arrivals && !typed.rate && typed.stages.empty() && typed.sessions.empty()) {
    return complain("load", usage,
                    "--arrivals: expected a rate with it, -R or --stage: without one nothing arrives by a law, each "
                    "connection sends when it has its answer");
  }
  if (is_stream_load(typed)) return stream_command(typed);
  if (!typed.sessions.empty()) return session_command(typed);
  if (const std::string_view wrong = of_streams(typed); !wrong.empty()) {
    return complain("load", usage, fmt::format("{}: expected a URL ws://HOST[:PORT]/PATH, or --sse", wrong));
  }
  const auto gates = read_outputs(typed);
  if (!gates) return complain("load", usage, gates.error());
  const bool on_screen = wants_screen(typed);
  std::expected<load::load_plan, std::string> plan = plan_of(typed, on_screen);
  if (!plan) return complain("load", usage, plan.error());
  if (const auto had = load::check_gates(*gates, *plan); !had) return complain("load", usage, "--slo " + had.error());
  plan->options.windowed = load::windowed_gates(*gates);
  plan->options.gated_quantiles = load::gate_quantiles(*gates);
  model::load_screen head = load::head_of(*plan);
  load::load_engine engine(std::move(*plan));
  return watch_load(typed, engine, std::move(head), *gates, on_screen);
}

}  // namespace assay::cli
