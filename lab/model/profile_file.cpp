#include <array>
#include <fstream>

#include "lab/model/profile_json.hpp"
#include "lab/model/write_file.hpp"

namespace assay::model {
namespace {

std::unexpected<std::string> refuse(const std::string& path, const std::string& why) {
  return std::unexpected(path + ": " + why);
}

}  // namespace

std::expected<profile, std::string> read_profile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, std::size_t{64} * 1024> piece{};
  while ((file.read(piece.data(), piece.size()) || file.gcount() > 0) && text.size() <= max_profile_bytes) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) return refuse(path, "cannot read that file");
  auto value = profile_from_json(text);
  if (!value) return refuse(path, value.error());
  return value;
}

std::expected<void, std::string> write_profile(const std::string& path, const profile& value) {
  const auto written = write_file(path, profile_json(value));
  if (!written) return refuse(path, "cannot write: " + written.error());
  return {};
}

}  // namespace assay::model
