#include "lab/inside/environment.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

namespace assay::inside {
namespace {

namespace fs = std::filesystem;

constexpr auto library_name = "libassay_probe.so";
constexpr auto allocations_name = "libassay_allocations.so";

std::string in_front(const std::string& first, const std::map<std::string, std::string>& existing,
                     const std::string& name, char separator = ':') {
  const auto found = existing.find(name);
  return found == existing.end() || found->second.empty() ? first : first + separator + found->second;
}

}  // namespace

std::expected<probe_files, std::string> find_probe() {
  std::error_code failed;
  const fs::path here = fs::read_symlink("/proc/self/exe", failed).parent_path();
  std::vector<fs::path> folders;
  if (!failed) {
    folders = {here, here / "probe", here / ".." / "probe", here / ".." / "lib" / "assay"};
  }
  folders.emplace_back(ASSAY_PROBE_BUILD_DIRECTORY);
  for (const auto& folder : folders) {
    if (!fs::is_regular_file(folder / library_name, failed)) continue;
    const auto whole = fs::weakly_canonical(folder, failed);
    if (failed) continue;
    if (whole.string().find_first_of(": ") != std::string::npos) {  // LD_PRELOAD's separators
      return std::unexpected(fmt::format("{}: the linker cannot preload from a path with a space or colon",
                                         (whole / library_name).string()));
    }
    const char* const counted = std::getenv(allocations_variable);
    const bool counts = counted != nullptr && std::string_view(counted) == "1";
    return probe_files{(whole / library_name).string(), (whole / "python").string(),
                       (whole / "node" / "shim.cjs").string(),
                       counts ? (whole / allocations_name).string() : std::string()};
  }
  return std::unexpected(fmt::format("{}: not found in {} nor beside it: the candidate cannot be observed inside",
                                     library_name, here.string()));
}

std::map<std::string, std::string> environment(const probe_files& probe, const std::string& probe_directory,
                                               const std::string& runtime,
                                               const std::map<std::string, std::string>& existing) {
  const std::string preloaded = probe.allocations.empty() ? probe.library : probe.library + ":" + probe.allocations;
  std::map<std::string, std::string> variables{{"ASSAY_PROBE_DIR", probe_directory},
                                               {"LD_PRELOAD", in_front(preloaded, existing, "LD_PRELOAD")}};
  const bool any = runtime == "auto";
  if (any || runtime == "python") variables["PYTHONPATH"] = in_front(probe.python_directory, existing, "PYTHONPATH");
  if (any || runtime == "node") {
    variables["NODE_OPTIONS"] = in_front("--require " + probe.node_shim, existing, "NODE_OPTIONS", ' ');
  }
  return variables;
}

}  // namespace assay::inside
