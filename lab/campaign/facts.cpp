#include "lab/campaign/facts.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "lab/plan/read.hpp"

namespace assay::campaign {
namespace {

using nlohmann::json;

}  // namespace

store::campaign_header make_header(const model::plan& plan, const std::string& plan_text,
                                   const std::string& tool_version, const std::map<std::string, std::string>& facts) {
  json kept = {{"facts", facts}, {"plan", plan.source_path}, {"repeats", plan.repeats}, {"reference", plan.reference}};
  for (const model::candidate& each : plan.candidates) kept["candidates"].push_back(each.name);
  return {.plan_name = plan.name,
          .plan_sha256 = plan.source_sha256,
          .plan_text = plan_text,
          .seed = plan.seed,
          .tool_version = tool_version,
          .host_facts = kept.dump(-1, ' ', false, json::error_handler_t::replace),
          .created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))};
}

std::expected<model::plan, std::string> stored_plan(const store::campaign_header& header) {
  const json kept = json::parse(header.host_facts, nullptr, false);
  if (!kept.is_object()) return std::unexpected("campaign.db: its header is damaged");
  auto plan = plan::decode_plan(kept.value("plan", header.plan_name), header.plan_text);
  if (!plan) return plan;
  const auto chosen = kept.value("candidates", std::vector<std::string>());
  std::erase_if(plan->candidates,
                [&](const model::candidate& each) { return std::ranges::find(chosen, each.name) == chosen.end(); });
  plan->repeats = kept.value("repeats", plan->repeats);
  plan->reference = kept.value("reference", plan->reference);
  return plan;
}

std::expected<void, std::string> check_selection(const model::plan& plan, const store::campaign_header& header,
                                                 const std::string& directory) {
  const json kept = json::parse(header.host_facts, nullptr, false);
  if (!kept.is_object()) return std::unexpected("campaign.db: its header is damaged");
  std::vector<std::string> chosen;
  for (const model::candidate& each : plan.candidates) chosen.push_back(each.name);
  const auto begun = kept.value("candidates", std::vector<std::string>());
  const unsigned repeats = kept.value("repeats", plan.repeats);
  if (chosen == begun && repeats == plan.repeats && kept.value("reference", plan.reference) == plan.reference)
    return {};
  return std::unexpected(
      fmt::format("{}: this campaign was begun with --only {} --repeats {}; go on with the same, or "
                  "choose another directory with -o",
                  directory, fmt::join(begun, ","), repeats));
}

std::map<std::string, std::string> facts_of(const store::campaign_header& header) {
  std::map<std::string, std::string> facts;
  if (const json kept = json::parse(header.host_facts, nullptr, false); kept.is_object() && kept.contains("facts")) {
    facts = kept["facts"].get<std::map<std::string, std::string>>();
  }
  facts["tool version"] = header.tool_version;
  facts["plan SHA-256"] = header.plan_sha256;
  facts["started"] = header.created;
  return facts;
}

}  // namespace assay::campaign
