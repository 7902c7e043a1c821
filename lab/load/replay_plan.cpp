#include "lab/load/replay_plan.hpp"

#include <fmt/format.h>

#include <cmath>

#include "lab/load/options.hpp"

namespace assay::load {
namespace {

// The rules for addresses, connections and timeouts are those of a load.
std::expected<load_plan, std::string> check_target(const replay_options& options) {
  load_options single;
  single.url = options.url;
  single.connections = options.connections;
  single.timeout = options.timeout;
  std::expected<load_plan, std::string> target = normalize(std::move(single));
  if (!target) return target;
  const std::string whole = "http://" + target->authority;
  if (options.url != whole && options.url != whole + "/") {
    return std::unexpected(fmt::format(
        "--to \"{}\": expected http://HOST[:PORT], the recording brings the path; see --rewrite", options.url));
  }
  return target;
}

std::string refusals_of(const replay_plan& plan) {
  std::string text;
  for (std::size_t rule = 0; rule < plan.refused.size(); ++rule) {
    if (plan.refused[rule] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", plan.refused[rule], plan.rules.names()[rule]);
  }
  return text;
}

void add_sends(replay_plan& plan) {
  constexpr std::uint32_t none = planned_request::none;
  std::vector<std::uint32_t> last_of(plan.recording.clients(), none);
  for (std::size_t index = 0; index < plan.recording.size(); ++index) {
    const model::traffic_request request = plan.recording[index];
    if (const auto rule = plan.rules.refused_by(request)) {
      ++plan.refused[*rule];
      continue;
    }
    const auto place = static_cast<std::uint32_t>(plan.sends.size());
    std::uint32_t& last = last_of[request.client];
    if (last == none) {
      ++plan.clients;
    } else {
      plan.sends[last].next = place;
    }
    last = place;
    plan.sends.push_back({.due = request.at,  // at the recording's own speed still
                          .index = static_cast<std::uint32_t>(index),
                          .client = request.client,
                          .verb = http::method_from(request.method),
                          .may_resend = replay_rules::may_resend(request)});
  }
}

}  // namespace

std::expected<replay_plan, std::string> plan_replay(model::recorded_traffic recording, replay_options options) {
  if (!std::isfinite(options.speed) || options.speed < min_speed || options.speed > max_speed) {
    return std::unexpected(fmt::format("--speed: expected {} to {}, as in 2x", min_speed, max_speed));
  }
  const auto target = check_target(options);
  if (!target) return std::unexpected(target.error());
  auto rules = replay_rules::create(options.rules, target->authority);
  if (!rules) return std::unexpected(rules.error());
  replay_plan plan{.options = std::move(options),
                   .host = target->host,
                   .port = target->port,
                   .recording = std::move(recording),
                   .rules = std::move(*rules),
                   .sends = {},
                   .refused = {}};
  plan.refused.resize(plan.rules.names().size());
  add_sends(plan);
  if (plan.sends.empty()) {
    const std::string refused = refusals_of(plan);
    return std::unexpected(fmt::format("nothing to send: of {} requests the rules refuse {}", plan.recording.size(),
                                       refused.empty() ? "none" : refused));
  }
  const duration first = plan.sends.front().due;
  const auto scaled_ns = [&plan, first](const planned_request& each) {
    return static_cast<double>((each.due - first).count()) / plan.options.speed;
  };
  // Before it is a whole number: it may be more than one holds.
  if (const double length_ns = scaled_ns(plan.sends.back()); length_ns > static_cast<double>(max_length.count())) {
    return std::unexpected(fmt::format("a replay of {:.1f} days: expected at most 7: raise --speed or name fewer files",
                                       length_ns / 86'400e9));
  }
  for (planned_request& each : plan.sends) {
    each.due = duration(static_cast<duration::rep>(std::llround(scaled_ns(each))));
  }
  return plan;
}

}  // namespace assay::load
