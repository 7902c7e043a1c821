#include "cli/learn_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/load_command.hpp"
#include "cli/values.hpp"
#include "lab/learn/learn.hpp"
#include "lab/model/profile_json.hpp"
#include "lab/report/profile_text.hpp"
#include "lab/report/write_file.hpp"

namespace assay::cli {
namespace {

int complain(exit_code code, const std::string& why) {
  fmt::print(stderr, "assay learn: {}\n", one_line(why));
  return code;
}

}  // namespace

int learn_command(const learn_arguments& typed) {
  learn::learn_options options;
  options.paths = typed.logs;
  options.patterns = typed.patterns;
  options.tool_version = ASSAY_VERSION;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  if (terminal) {
    options.on_progress = [](std::uint64_t lines) { fmt::print(stderr, "\r\x1b[K{} lines", lines); };
  }
  const auto profile = learn::learn(options);
  if (terminal) fmt::print(stderr, "\r\x1b[K");
  if (!profile) {
    return complain(profile.error().starts_with("route pattern") ? usage : could_not_run, profile.error());
  }
  const std::string document = model::profile_to_json(*profile);
  if (!typed.output.empty()) {
    if (const auto written = report::write_file(typed.output, document); !written) {
      return complain(could_not_run, written.error());
    }
  }
  fmt::print("{}", typed.json ? document : report::profile_text(*profile));
  if (!typed.output.empty() && !typed.json) fmt::print("\nprofile: {}\n", typed.output);
  if (std::fflush(stdout) != 0) return complain(could_not_run, fmt::format("stdout: {}", std::strerror(errno)));
  return ok;
}

}  // namespace assay::cli
