#include "lab/learn/input_paths.hpp"

#include <fmt/format.h>
#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace assay::learn {
namespace {

namespace fs = std::filesystem;

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

std::expected<void, std::string> add_folder(const std::string& folder, std::vector<std::string>& to) {
  std::error_code failed;
  std::vector<std::string> found;
  for (fs::recursive_directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
    std::error_code dangling;
    if (is_hidden(at->path())) {
      at.disable_recursion_pending();
    } else if (at->is_regular_file(dangling)) {
      found.push_back(at->path().string());
    }
    if (found.size() > max_files)
      return std::unexpected(fmt::format("{}: holds more than {} files", folder, max_files));
  }
  if (failed) return std::unexpected(fmt::format("{}: cannot read: {}", folder, failed.message()));
  if (found.empty()) return std::unexpected(folder + ": is a directory without files");
  std::ranges::sort(found);
  to.insert(to.end(), found.begin(), found.end());
  return {};
}

std::expected<void, std::string> add_glob(const std::string& pattern, std::vector<std::string>& to) {
  ::glob_t matches{};
  const int done = ::glob(pattern.c_str(), 0, nullptr, &matches);
  std::vector<std::string> found;
  for (std::size_t i = 0; i < matches.gl_pathc; ++i) found.emplace_back(matches.gl_pathv[i]);
  ::globfree(&matches);
  if (done == GLOB_NOMATCH) return std::unexpected(pattern + ": matches no file");
  if (done != 0) return std::unexpected(pattern + ": cannot be matched");
  std::erase_if(found, [](const std::string& path) { return fs::is_directory(path); });
  if (found.empty()) return std::unexpected(pattern + ": matches directories alone; name their files, DIRECTORY/*");
  to.insert(to.end(), found.begin(), found.end());
  return {};
}

}  // namespace

std::expected<std::vector<std::string>, std::string> input_paths(const std::vector<std::string>& typed) {
  std::vector<std::string> paths;
  for (const std::string& each : typed) {
    std::error_code ignored;
    const bool is_there = each == "-" || fs::exists(each, ignored);
    std::expected<void, std::string> added;
    if (is_there && each != "-" && fs::is_directory(each, ignored)) {
      added = add_folder(each, paths);
    } else if (!is_there && each.find_first_of("*?[") != std::string::npos) {
      added = add_glob(each, paths);
    } else {
      paths.push_back(each);  // one that is not there is refused when it is opened
    }
    if (!added) return std::unexpected(added.error());
    if (paths.size() > max_files)
      return std::unexpected(fmt::format("{}: that makes more than {} files", each, max_files));
  }
  return paths;
}

}  // namespace assay::learn
