// The `assay` command: parses arguments, calls the lab, prints. No logic.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <string_view>

#include "cli/describe.hpp"
#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/subject/keeper.hpp"

namespace {

using namespace assay::cli;

struct command {
  CLI::App* describes;
  std::function<int()> run;
};

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string& name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

int refuse_extras(const CLI::App& command, const std::vector<std::string>& extras) {
  const std::string& first = extras.front();
  const std::string meant = nearest(first, flags_of(command));
  const std::string hint =
      meant.empty() ? fmt::format("see assay {} --help", command.get_name()) : fmt::format("did you mean {}?", meant);
  fmt::print(stderr, "assay {}: unknown argument {}; {}\n", command.get_name(), one_line(first), hint);
  return usage;
}

int refuse_command(const CLI::App& app, const std::vector<std::string>& extras) {
  std::vector<std::string> names;
  for (const CLI::App* each : app.get_subcommands({})) names.push_back(each->get_name());
  const std::string meant = extras.empty() ? std::string() : nearest(extras.front(), names);
  if (extras.empty()) {
    fmt::print(stderr, "assay: expected a command; see assay --help\n");
  } else {
    fmt::print(stderr, "assay: unknown command {}; {}\n", one_line(extras.front()),
               meant.empty() ? "see assay --help" : fmt::format("did you mean {}?", meant));
  }
  return usage;
}

}  // namespace

int main(int argc, char** argv) {
  // Before anything else: this program is also the keeper of each process that it starts.
  if (const auto status = assay::subject::run_keeper_if_asked(argc, argv)) return *status;
  CLI::App app{"Assay: is this async web stack ready for production under your workload?"};
  set_help(app);
  app.set_version_flag("--version", "assay " ASSAY_VERSION);
  app.allow_extras();
  capacity_arguments capacity;
  learn_arguments learn;
  load_arguments load;
  plan_arguments plan;
  replay_arguments replay;
  run_arguments run;
  report_arguments report;
  compare_arguments compare;
  watch_arguments watch;
  const std::vector<command> commands = {
      {describe_learn(app, learn), [&] { return learn_command(learn); }},
      {describe_plan(app, plan), [&] { return plan_command(plan); }},
      {describe_run(app, run), [&] { return run_command(run); }},
      {describe_compare(app, compare), [&] { return compare_command(compare); }},
      {describe_report(app, report), [&] { return report_command(report); }},
      {describe_load(app, load), [&] { return load_command(load); }},
      {describe_capacity(app, capacity), [&] { return capacity_command(capacity); }},
      {describe_replay(app, replay), [&] { return replay_command(replay); }},
      {describe_watch(app, watch), [&] { return watch_command(watch); }},
  };
  // Unknown flags are looked at below, to suggest the right one.
  for (const command& each : commands) each.describes->allow_extras();
  const auto chosen = [&] {
    return std::ranges::find_if(commands, [](const command& c) { return c.describes->parsed(); });
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    const bool in_brief = std::any_of(argv, argv + argc, [](std::string_view typed) { return typed == "-h"; });
    if (in_brief && chosen() != commands.end() && chosen()->describes->get_name() == "load") {
      return print("load", std::string(load_in_brief()));
    }
    return app.exit(done);
  } catch (const CLI::ParseError& wrong) {
    const std::string name = chosen() == commands.end() ? "assay" : "assay " + chosen()->describes->get_name();
    fmt::print(stderr, "{}: {}; see {} --help\n", name, one_line(wrong.what()), name);
    return usage;
  }
  if (chosen() == commands.end()) return refuse_command(app, app.remaining());
  const command& asked = *chosen();
  std::vector<std::string> extras = asked.describes->remaining();
  std::erase(extras, "--");  // the library counts the mark itself to them
  if (!extras.empty()) return refuse_extras(*asked.describes, extras);
  return asked.run();
}
