#include "cli/learn_command.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/learn/compare.hpp"
#include "lab/learn/learn.hpp"
#include "lab/learn/profile_or_log.hpp"
#include "lab/learn/samples.hpp"
#include "lab/model/profile_json.hpp"
#include "lab/model/workload_comparison_json.hpp"
#include "lab/model/write_file.hpp"
#include "lab/plan/openapi.hpp"
#include "lab/report/profile_html.hpp"
#include "lab/report/profile_text.hpp"
#include "lab/report/route_explanation.hpp"
#include "lab/report/workload_text.hpp"

namespace assay::cli {
namespace {

int compare(const learn_arguments& typed, const learn::learn_options& options) {
  if (typed.files.size() != 2) return complain("learn", usage, "--compare: expected two logs or profiles, A and B");
  if (!typed.output.empty()) return complain("learn", usage, "--compare writes no profile; leave out -o");
  if (!typed.page.empty()) return complain("learn", usage, "--compare writes no page; leave out --html");
  const auto a = learn::profile_or_log(typed.files[0], options);
  if (!a) return complain("learn", could_not_run, a.error());
  const auto b = learn::profile_or_log(typed.files[1], options);
  if (!b) return complain("learn", could_not_run, b.error());
  const auto found = learn::compare_workloads(*a, typed.files[0], *b, typed.files[1]);
  if (!found) return complain("learn", could_not_run, found.error());
  const int printed =
      print("learn", typed.json ? model::workload_comparison_json(*found) : report::workload_text(*found));
  if (printed != ok) return printed;
  return found->verdict() == model::likeness::differs ? gate_failed : ok;
}

// A log, and not what a pipe has given once.
bool can_be_read_again(const std::vector<std::string>& files) {
  const auto is_log = [](const std::string& path) {
    std::error_code none;
    return std::filesystem::is_regular_file(path, none) && !learn::is_profile(path);
  };
  const auto paths = learn::input_paths(files);
  return paths && std::ranges::all_of(*paths, is_log);
}

int explain(const learn_arguments& typed, const learn::learn_options& options) {
  if (typed.files.size() != 1) return complain("learn", usage, "--explain: expected one log or profile");
  if (!typed.output.empty()) return complain("learn", usage, "--explain writes no profile; leave out -o");
  if (!typed.page.empty()) return complain("learn", usage, "--explain writes no page; leave out --html");
  const auto profile = learn::profile_or_log(typed.files[0], options);
  if (!profile) return complain("learn", could_not_run, profile.error());
  const auto route = report::find_route(*profile, typed.explained);
  if (!route) return complain("learn", usage, "--explain " + route.error());
  model::log_samples seen;
  if (can_be_read_again(typed.files)) {
    auto samples = learn::sample_requests(typed.files, *profile, typed.format);
    if (!samples) return complain("learn", could_not_run, samples.error());
    seen = std::move(*samples);
  }
  return print("learn", report::route_explanation(*profile, **route, seen));
}

void say_left_out(const std::vector<std::string>& paths) {
  constexpr std::size_t most_named = 5;
  for (std::size_t i = 0; i < std::min(paths.size(), most_named); ++i) {
    fmt::print(stderr, "assay learn: {}: no route; a segment is plain, or one name and an ending\n",
               one_line(paths[i]));
  }
  if (paths.size() <= most_named) return;
  fmt::print(stderr, "assay learn: and {} more such paths\n", paths.size() - most_named);
}

}  // namespace

int learn_command(const learn_arguments& typed) {
  learn::learn_options options{.files = typed.files, .routes = typed.routes, .format = typed.format};
  if (!typed.openapi.empty()) {
    auto named = plan::openapi_routes(typed.openapi);
    if (!named) return complain("learn", usage, "--openapi " + named.error());
    say_left_out(named->left_out);
    options.described = std::move(named->routes);
    options.description = std::filesystem::path(typed.openapi).filename().string();
  }
  if (const auto sound = learn::check(options); !sound) return complain("learn", usage, sound.error());
  if (typed.compare) return compare(typed, options);
  if (!typed.explained.empty()) return explain(typed, options);
  // What a glob or a directory stands for; one that stands for nothing is learn()'s to refuse.
  std::vector<std::string> read = learn::input_paths(typed.files).value_or(typed.files);
  if (!typed.openapi.empty()) read.push_back(typed.openapi);
  if (!typed.page.empty() && (typed.page == typed.output || overwrites(typed.page, {typed.output}))) {
    return complain("learn", usage, "--html and -o name one file; name another");
  }
  for (const auto& [flag, file] : {std::pair("-o", &typed.output), {"--html", &typed.page}}) {
    if (!overwrites(*file, read)) continue;
    return complain("learn", usage, fmt::format("{} {}: that is a file to read; name another file", flag, *file));
  }
  const auto profile = learn::learn(options);
  if (!profile) return complain("learn", could_not_run, profile.error());
  if (!typed.output.empty()) {
    if (const auto written = model::write_profile(typed.output, *profile); !written) {
      return complain("learn", could_not_run, written.error());
    }
  }
  if (!typed.page.empty()) {
    if (const auto written = model::write_file(typed.page, report::profile_html(*profile)); !written) {
      return complain("learn", could_not_run, fmt::format("cannot write {}: {}", typed.page, written.error()));
    }
  }
  std::string text = typed.json ? model::profile_json(*profile) : report::profile_text(*profile);
  if (!typed.json && !typed.output.empty()) text += fmt::format("\nprofile: {}\n", one_line(typed.output));
  return print("learn", text);
}

}  // namespace assay::cli
