#include "cli/session_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <expected>
#include <string_view>
#include <utility>

#include "cli/load_inputs.hpp"
#include "cli/load_options.hpp"
#include "cli/speech.hpp"
#include "cli/watch_load.hpp"
#include "lab/load/gate.hpp"
#include "lab/load/live_history.hpp"
#include "lab/load/session_engine.hpp"
#include "lab/load/session_plan.hpp"
#include "lab/plan/read_scenarios.hpp"

namespace assay::cli {
namespace {

// What was typed and means nothing for sessions; empty when nothing was.
std::string_view not_of_sessions(const load_arguments& typed) {
  const std::array given{std::pair{"--broadcast", typed.broadcast},
                         std::pair{"--message", typed.message.has_value()},
                         std::pair{"--connect-rate", typed.connect_rate.has_value()},
                         std::pair{"--lifetime", typed.lifetime.has_value()},
                         std::pair{"--source", !typed.sources.empty()},
                         std::pair{"--tick", !typed.tick.empty()}};
  for (const auto& [name, typed_it] : given) {
    if (typed_it) return name;
  }
  return {};
}

std::expected<load::session_plan, std::string> session_plan_of(const load_arguments& typed, bool on_screen) {
  if (const std::string_view wrong = not_of_sessions(typed); !wrong.empty()) {
    return std::unexpected(fmt::format("{}: not of sessions", wrong));
  }
  std::expected<load::load_options, std::string> options = read_load_options(typed);
  if (!options) return std::unexpected(options.error());
  if (const auto inputs = read_load_inputs(typed, *options); !inputs) return std::unexpected(inputs.error());
  const auto scenarios = plan::read_scenarios(typed.sessions);
  if (!scenarios) return std::unexpected("--sessions " + scenarios.error());
  const bool in_stages = std::ranges::any_of(*scenarios, [](const auto& each) { return !each.stages.empty(); });
  if (in_stages && typed.has_length) {
    return std::unexpected("duration -d: expected none, the stages of --sessions say how long");
  }
  return plan_with_seconds(typed, on_screen, std::move(*options), [&scenarios](load::load_options with) {
    return load::plan_sessions(*scenarios, std::move(with));
  });
}

}  // namespace

int session_command(const load_arguments& typed) {
  const auto gates = read_outputs(typed);
  if (!gates) return complain("load", usage, gates.error());
  const bool on_screen = wants_screen(typed);
  std::expected<load::session_plan, std::string> plan = session_plan_of(typed, on_screen);
  if (!plan) return complain("load", usage, plan.error());
  if (const auto had = load::check_gates(*gates, plan->load); !had) {
    return complain("load", usage, "--slo " + had.error());
  }
  plan->work.windowed = load::windowed_gates(*gates);
  plan->work.gated_quantiles = load::gate_quantiles(*gates);
  model::load_screen head = load::head_of(*plan);
  load::session_engine engine(std::move(*plan));
  return watch_load(typed, engine, std::move(head), *gates, on_screen);
}

}  // namespace assay::cli
