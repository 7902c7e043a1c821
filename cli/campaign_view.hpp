// A campaign in front of a person: progress while it runs, Ctrl-C, and the results at its end. What `assay run`,
// `assay compare` and `assay report` share.
//
// Misuse: deciding here what is run; that is the plan's, and how it is run lab/campaign's.
#pragma once

#include <string>
#include <string_view>

#include "lab/campaign/campaign.hpp"

namespace assay::cli {

// Blocks until the campaign is over or interrupted; then judges and prints what there is. `command` names it in
// messages, `to_resume` is the command line that goes on with it. The exit code.
int run_campaign(std::string_view command, campaign::campaign_options options, const std::string& to_resume);

// Writes the report, the record and the JSON of what a directory holds, and prints the summary. The exit code.
int show_results(std::string_view command, const std::string& directory);

}  // namespace assay::cli
