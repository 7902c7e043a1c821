#include "cli/learn_command.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/speech.hpp"
#include "cli/values.hpp"
#include "lab/learn/compare.hpp"
#include "lab/learn/learn.hpp"
#include "lab/learn/profile_or_log.hpp"
#include "lab/model/profile_json.hpp"
#include "lab/model/workload_comparison_json.hpp"
#include "lab/report/profile_text.hpp"
#include "lab/report/workload_text.hpp"

namespace assay::cli {
namespace {

int compare(const learn_arguments& typed, const learn::learn_options& options) {
  if (typed.files.size() != 2) return complain("learn", usage, "--compare: expected two logs or profiles, A and B");
  if (!typed.output.empty()) return complain("learn", usage, "--compare writes no profile; leave out -o");
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

}  // namespace

int learn_command(const learn_arguments& typed) {
  const learn::learn_options options{.files = typed.files, .routes = typed.routes, .format = typed.format};
  if (const auto sound = learn::check(options); !sound) return complain("learn", usage, sound.error());
  if (typed.compare) return compare(typed, options);
  // What a glob or a directory stands for; one that stands for nothing is learn()'s to refuse.
  if (overwrites(typed.output, learn::input_paths(typed.files).value_or(typed.files))) {
    return complain("learn", usage, fmt::format("-o {}: that is a log to read; name another file", typed.output));
  }
  const auto profile = learn::learn(options);
  if (!profile) return complain("learn", could_not_run, profile.error());
  if (!typed.output.empty()) {
    if (const auto written = model::write_profile(typed.output, *profile); !written) {
      return complain("learn", could_not_run, written.error());
    }
  }
  std::string text = typed.json ? model::profile_json(*profile) : report::profile_text(*profile);
  if (!typed.json && !typed.output.empty()) text += fmt::format("\nprofile: {}\n", one_line(typed.output));
  return print("learn", text);
}

}  // namespace assay::cli
