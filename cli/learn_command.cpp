#include "cli/learn_command.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "cli/load_command.hpp"
#include "cli/values.hpp"
#include "lab/learn/learn.hpp"
#include "lab/model/profile_json.hpp"
#include "lab/report/profile_text.hpp"

namespace assay::cli {
namespace {

int complain(exit_code code, const std::string& why) {
  fmt::print(stderr, "assay learn: {}\n", one_line(why));
  return code;
}

}  // namespace

int learn_command(const learn_arguments& typed) {
  const learn::learn_options options{.files = typed.files, .routes = typed.routes, .format = typed.format};
  if (const auto sound = learn::check(options); !sound) return complain(usage, sound.error());
  // What a glob or a directory stands for; one that stands for nothing is learn()'s to refuse.
  if (overwrites(typed.output, learn::input_paths(typed.files).value_or(typed.files))) {
    return complain(usage, fmt::format("-o {}: that is a log to read; name another file", typed.output));
  }
  const auto profile = learn::learn(options);
  if (!profile) return complain(could_not_run, profile.error());
  if (!typed.output.empty()) {
    if (const auto written = model::write_profile(typed.output, *profile); !written) {
      return complain(could_not_run, written.error());
    }
  }
  std::string text = typed.json ? model::profile_json(*profile) : report::profile_text(*profile);
  if (!typed.json && !typed.output.empty()) text += fmt::format("\nprofile: {}\n", one_line(typed.output));
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    return complain(could_not_run, fmt::format("cannot write the result to stdout: {}", std::strerror(errno)));
  }
  return ok;
}

}  // namespace assay::cli
