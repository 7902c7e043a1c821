#include "cli/run_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <sstream>

#include "cli/campaign_view.hpp"
#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/plan/read.hpp"
#include "lab/subject/conformance.hpp"

namespace assay::cli {
namespace {

// Keeps the candidates that were asked for. The error names one that the plan does not have.
std::expected<void, std::string> choose(model::plan& plan, const run_arguments& typed) {
  for (const auto* names : {&typed.only, &typed.without}) {
    for (const std::string& name : *names) {
      if (plan.find_candidate(name) != nullptr) continue;
      std::vector<std::string> known;
      for (const model::candidate& each : plan.candidates) known.push_back(each.name);
      const std::string meant = nearest(name, known);
      return std::unexpected(fmt::format("no candidate \"{}\" in {}{}", name, typed.plan,
                                         meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)));
    }
  }
  std::erase_if(plan.candidates, [&](const model::candidate& each) {
    const bool wanted = typed.only.empty() || std::ranges::find(typed.only, each.name) != typed.only.end();
    const bool unwanted = std::ranges::find(typed.without, each.name) != typed.without.end();
    return !wanted || unwanted || (typed.without_ours && each.ours);
  });
  if (plan.candidates.empty()) return std::unexpected("no candidate is left to run");
  if (plan.find_candidate(plan.reference) == nullptr) plan.reference = plan.candidates.front().name;
  if (typed.repeats) plan.repeats = *typed.repeats;
  return {};
}

// A name for people may hold anything; a directory's may not lead elsewhere.
std::string file_name(std::string name) {
  std::ranges::replace_if(
      name,
      [](char c) { return !(std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.'); },
      '-');
  if (name.starts_with('.')) name.front() = '-';
  return name;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

int run_command(const run_arguments& typed) {
  std::expected<model::plan, std::string> plan = plan::read_plan(typed.plan);
  if (!plan) return complain("run", usage, plan.error());
  if (const auto chosen = choose(*plan, typed); !chosen) return complain("run", usage, chosen.error());
  // Read again by the campaign; a mistake in it is to be told before anything is begun.
  if (!plan->conformance.empty()) {
    if (const auto checks = subject::load_checks(plan->conformance); !checks) {
      return complain("run", usage, checks.error());
    }
  }
  const std::string directory = typed.directory.empty() ? "results/" + file_name(plan->name) : typed.directory;

  campaign::campaign_options options{.plan = std::move(*plan),
                                     .plan_text = read_text(typed.plan),
                                     .directory = directory,
                                     .tool_version = ASSAY_VERSION,
                                     .resume = typed.resume};
  return run_campaign("run", std::move(options), fmt::format("assay run {} -o {} --resume", typed.plan, directory));
}

int report_command(const report_arguments& typed) { return show_results("report", typed.directory); }

}  // namespace assay::cli
