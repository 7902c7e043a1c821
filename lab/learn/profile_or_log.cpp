#include "lab/learn/profile_or_log.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "lab/model/profile_json.hpp"

namespace assay::learn {

// A profile begins with its format, {"format": "assay.profile/1", so that another version is refused as a profile.
bool is_profile(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return false;
  std::array<char, 64> begin{};
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), begin.size());
  const std::string_view text(begin.data(), static_cast<std::size_t>(file.gcount()));
  return text.starts_with('{') && text.find("\"assay.profile/") != text.npos;
}

std::expected<model::profile, std::string> profile_or_log(const std::string& path, const learn_options& options) {
  if (is_profile(path)) return model::read_profile(path);
  learn_options of_one = options;
  of_one.files = {path};
  return learn(of_one);
}

}  // namespace assay::learn
