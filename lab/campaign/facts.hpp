// What a campaign keeps about itself beside its trials: the machine, the dependencies, and which part of the plan was
// run. Stored as JSON in the campaign's header.
//
// Misuse: reading the plan from its file when a report is written; it may have changed. stored_plan() gives what ran.
#pragma once

#include <expected>
#include <map>
#include <string>

#include "lab/model/plan.hpp"
#include "lab/store/campaign_store.hpp"

namespace assay::campaign {

// The header of a new campaign.
store::campaign_header make_header(const model::plan& plan, const std::string& plan_text,
                                   const std::string& tool_version, const std::map<std::string, std::string>& facts);

// As it was run: the candidates that were chosen, the repeats, the reference.
std::expected<model::plan, std::string> stored_plan(const store::campaign_header& header);
// A campaign goes on as it was begun: with the same candidates, repeats and reference. The error says with which.
std::expected<void, std::string> check_selection(const model::plan& plan, const store::campaign_header& header,
                                                 const std::string& directory);
std::map<std::string, std::string> facts_of(const store::campaign_header& header);

}  // namespace assay::campaign
