#include "cli/compare_command.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "cli/campaign_view.hpp"
#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/campaign/running_candidate.hpp"
#include "lab/learn/learn.hpp"
#include "lab/learn/samples.hpp"
#include "lab/model/write_file.hpp"
#include "lab/plan/forecast.hpp"
#include "lab/plan/from_log.hpp"
#include "lab/plan/read.hpp"
#include "lab/report/plan_text.hpp"

namespace assay::cli {
namespace {

constexpr std::chrono::seconds reachable_within{5};
constexpr std::size_t most_candidates = 16;
constexpr std::size_t longest_name = 64;

struct refusal {
  exit_code code;
  std::string why;
};

int complain(const refusal& what) { return complain("compare", what.code, what.why); }

std::expected<std::vector<model::candidate>, refusal> candidates_of(const compare_arguments& typed) {
  if (typed.candidates.size() < 2 || typed.candidates.size() > most_candidates) {
    return std::unexpected(refusal{usage, fmt::format("expected 2 to {} candidates, NAME=http://HOST:PORT each; see "
                                                      "assay compare --help",
                                                      most_candidates)});
  }
  std::vector<model::candidate> made;
  for (const std::string& each : typed.candidates) {
    auto one = campaign::running_candidate(each);
    if (!one) return std::unexpected(refusal{usage, one.error()});
    if (std::ranges::find(made, one->name, &model::candidate::name) != made.end()) {
      return std::unexpected(refusal{usage, fmt::format("two candidates are called {}", one->name)});
    }
    made.push_back(std::move(*one));
  }
  return made;
}

std::expected<plan::bound_plan, refusal> plan_of(const compare_arguments& typed, const std::string& name,
                                                 std::vector<model::candidate> candidates) {
  if (std::ranges::find(typed.logs, "-") != typed.logs.end()) {
    return std::unexpected(refusal{usage, "--log -: expected a file, because it is read twice"});
  }
  std::optional<std::chrono::nanoseconds> within;
  if (!typed.within.empty()) {
    const auto length = parse_duration(typed.within);
    if (!length) return std::unexpected(refusal{usage, "--shorten " + length.error()});
    within = *length;
  }
  const learn::learn_options options{.files = typed.logs, .routes = typed.routes};
  if (const auto fit = learn::check(options); !fit) return std::unexpected(refusal{usage, fit.error()});
  const auto profile = learn::learn(options);
  if (!profile) return std::unexpected(refusal{could_not_run, profile.error()});
  const auto samples = learn::sample_requests(typed.logs, *profile);
  if (!samples) return std::unexpected(refusal{could_not_run, samples.error()});
  auto made = plan::plan_from_log(*profile, *samples, std::move(candidates),
                                  {.name = name,
                                   .log_name = fmt::format("{}", fmt::join(typed.logs, ", ")),
                                   .repeats = typed.repeats,
                                   .steady_per_s = typed.rate_per_s,
                                   .within = within,
                                   .unsafe = typed.unsafe});
  if (!made) return std::unexpected(refusal{usage, made.error()});
  return std::move(*made);
}

std::string name_of(const std::vector<model::candidate>& candidates) {
  std::string name;
  for (const model::candidate& each : candidates) name += (name.empty() ? "" : "-") + each.name;
  return name.size() <= longest_name ? name : "compared";
}

// What is left out needs bodies and credentials, which only the user has.
void say(const plan::bound_plan& made, const compare_arguments& typed) {
  for (const std::string& each : made.notices) fmt::print(stderr, "assay compare: {}\n", one_line(each));
  const bool refused =
      std::ranges::any_of(made.notices, [](const std::string& each) { return each.contains("changes data"); });
  if (!refused) return;
  fmt::print(stderr,
             "assay compare: to send what changes data, say what is in it: assay learn {} -o NAME.profile.json; assay "
             "plan NAME.profile.json --bind BINDING.yaml (docs/plan-yaml.md)\n",
             one_line(fmt::format("{}", fmt::join(typed.logs, " "))));
}

// A campaign that is there already is nobody's to write over.
std::expected<void, refusal> write_plan(const std::string& path, const std::string& text,
                                        const std::string& directory) {
  std::error_code failed;
  if (std::filesystem::exists(directory + "/campaign.db", failed)) {
    return std::unexpected(refusal{
        could_not_run, fmt::format("{} holds a campaign already; choose another directory with -o, or go on with it: "
                                   "assay run {} -o {} --resume",
                                   directory, path, directory)});
  }
  std::filesystem::create_directories(directory, failed);
  if (failed) {
    return std::unexpected(refusal{could_not_run, fmt::format("cannot make {}: {}", directory, failed.message())});
  }
  if (const auto written = model::write_file(path, text); !written) {
    return std::unexpected(refusal{could_not_run, fmt::format("cannot write {}: {}", path, written.error())});
  }
  return {};
}

}  // namespace

int compare_command(const compare_arguments& typed) {
  auto candidates = candidates_of(typed);
  if (!candidates) return complain(candidates.error());
  const std::string name = name_of(*candidates);
  const std::string directory = typed.directory.empty() ? "results/" + name : typed.directory;
  const auto made = plan_of(typed, name, std::move(*candidates));
  if (!made) return complain(made.error());
  say(*made, typed);
  for (const model::candidate& each : made->plan.candidates) {
    if (const auto there = campaign::check_reachable(each, reachable_within); !there) {
      return complain({could_not_run, there.error()});
    }
  }
  std::error_code ignored;  // an absolute path needs no working directory
  const std::string path = fmt::format("{}/{}.plan.yaml", directory, name);
  const std::string text =
      plan::plan_yaml(made->plan, made->notes, std::filesystem::absolute(path, ignored).parent_path());
  // Read back, so that what runs is what stands in the file.
  auto plan = plan::decode_plan(path, text);
  if (!plan) return complain({could_not_run, plan.error()});
  if (const auto written = write_plan(path, text, directory); !written) return complain(written.error());
  fmt::print("{}\nplan: {}\n\n", report::plan_text(*plan, plan::forecast_of(*plan)), path);
  std::fflush(stdout);
  return run_campaign(
      "compare", {.plan = std::move(*plan), .plan_text = text, .directory = directory, .tool_version = ASSAY_VERSION},
      fmt::format("assay run {} -o {} --resume", path, directory));
}

}  // namespace assay::cli
