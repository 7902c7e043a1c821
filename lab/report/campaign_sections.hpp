// The sections of a campaign's page, each complete without a script.
//
// Misuse: calling one outside of campaign_html(); headings assume its order.
#pragma once

#include "lab/report/campaign_report.hpp"

namespace assay::report {

std::string verdict_section(const campaign_report& report);
std::string diagnosis_section(const campaign_report& report);
std::string comparison_section(const campaign_report& report);
std::string blocking_section(const campaign_report& report);
std::string database_section(const campaign_report& report);
std::string metrics_section(const campaign_report& report);
std::string trials_section(const campaign_report& report);
std::string fairness_section(const campaign_report& report);
std::string method_section();

}  // namespace assay::report
