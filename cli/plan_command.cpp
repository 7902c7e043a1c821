#include "cli/plan_command.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/model/feed.hpp"
#include "lab/model/profile_json.hpp"
#include "lab/model/write_file.hpp"
#include "lab/plan/binding.hpp"
#include "lab/plan/draft_binding.hpp"
#include "lab/plan/forecast.hpp"
#include "lab/plan/openapi.hpp"
#include "lab/plan/read.hpp"
#include "lab/plan/schema.hpp"
#include "lab/report/plan_text.hpp"

namespace assay::cli {
namespace {

// Whole or not at all: a plan that is half there would be half of a campaign.
int save(const std::string& path, const std::string& text) {
  const auto written = model::write_file(path, text);
  return written ? ok : complain("plan", could_not_run, fmt::format("cannot write {}: {}", path, written.error()));
}

int check(const std::string& path) {
  const auto plan = plan::read_plan(path);
  if (!plan) return complain("plan", usage, plan.error());
  return print("plan", report::plan_text(*plan, plan::forecast_of(*plan)));
}

// A binding that exists holds somebody's work.
int draft(const plan_arguments& typed) {
  if (std::error_code ignored; std::filesystem::exists(typed.drafted, ignored)) {
    return complain("plan", usage, fmt::format("--draft {}: that file exists; name another", typed.drafted));
  }
  const auto profile = model::read_profile(typed.profile);
  if (!profile) return complain("plan", usage, profile.error());
  plan::described_service described;
  if (!typed.openapi.empty()) {
    auto found = plan::openapi_routes(typed.openapi);
    if (!found) return complain("plan", usage, "--openapi " + found.error());
    described = {.bodies = std::move(found->bodies), .file = std::filesystem::path(typed.openapi).filename().string()};
  }
  const std::string name = std::filesystem::path(typed.profile).filename().string();
  const plan::drafted_binding made = plan::draft_binding(*profile, name, described);
  if (made.routes == 0) return complain("plan", usage, typed.profile + ": no route of it is worth sending");
  if (const int saved = save(typed.drafted, made.text); saved != ok) return saved;
  const std::string bodies =
      typed.openapi.empty() ? "" : fmt::format("{} bodies drafted from {}; ", made.bodies, one_line(described.file));
  return print("plan", fmt::format("{}: {} routes bound, {} left out; {}{} lines say \"fill in\"\n",
                                   one_line(typed.drafted), made.routes, made.left_out, bodies, made.marks));
}

int bind(const plan_arguments& typed) {
  plan::bind_options options;
  options.full = typed.full;
  options.profile_name = std::filesystem::path(typed.profile).filename().string();
  if (!typed.within.empty()) {
    const auto within = parse_duration(typed.within);
    if (!within) return complain("plan", usage, "--shorten " + within.error());
    options.within = *within;
  }
  if (overwrites(typed.output, {typed.profile, typed.binding})) {
    return complain("plan", usage, fmt::format("-o {}: that is a file to read; name another", typed.output));
  }
  const auto profile = model::read_profile(typed.profile);
  if (!profile) return complain("plan", usage, profile.error());
  const auto bound = plan::bind_profile(*profile, typed.binding, options);
  if (!bound) {
    fmt::print(stderr, "assay plan: {}{}", bound.error(), bound.error().ends_with('\n') ? "" : "\n");
    return usage;
  }
  for (const std::string& each : bound->notices) fmt::print(stderr, "assay plan: {}\n", one_line(each));

  std::error_code ignored;
  const std::string target = typed.output.empty() ? "stdout" : typed.output;  // paths are relative to where it goes
  const std::filesystem::path whole = std::filesystem::absolute(target, ignored);
  const std::string written = plan::plan_yaml(bound->plan, bound->notes, whole.parent_path());
  // What is written must be what was meant; this also checks what only a whole plan can tell.
  const auto read_back = plan::decode_plan(target, written);
  if (!read_back)
    return complain("plan", usage, fmt::format("{} does not make a plan: {}", typed.binding, read_back.error()));
  return typed.output.empty() ? print("plan", written) : save(typed.output, written);
}

}  // namespace

int plan_command(const plan_arguments& typed) {
  if (typed.schema) return print("plan", plan::plan_schema());
  if (typed.page) return print("plan", plan::keys_page());
  if (!typed.checked.empty()) return check(typed.checked);
  if (!typed.openapi.empty() && typed.drafted.empty()) {
    return complain("plan", usage, "--openapi is for --draft FILE: it drafts bodies; routes take it in assay learn");
  }
  if (typed.profile.empty())
    return complain("plan", usage, "expected a profile, or --check FILE; see assay plan --help");
  if (!typed.drafted.empty()) return draft(typed);
  if (typed.binding.empty()) {
    return complain("plan", usage,
                    "expected --bind FILE: a log says nothing of bodies and credentials; --draft FILE writes one to "
                    "begin with");
  }
  return bind(typed);
}

}  // namespace assay::cli
