#include "cli/values.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "lab/model/duration.hpp"

namespace assay::cli {

std::expected<duration, std::string> parse_duration(std::string_view text) {
  return model::parse_duration(text, model::bare_number::seconds);
}

std::expected<std::pair<std::string, std::string>, std::string> parse_header(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::unexpected("-H \"" + std::string(text) + "\": expected \"Name: value\"");
  }
  const auto value = text.find_first_not_of(' ', colon + 1);
  return std::pair{std::string(text.substr(0, colon)),
                   value == std::string_view::npos ? std::string() : std::string(text.substr(value))};
}

std::expected<std::string, std::string> read_body(const std::string& text) {
  if (!text.starts_with('@')) return text;
  const std::string path = text.substr(1);
  std::ifstream file(path, std::ios::binary);
  std::string content;
  std::array<char, 4096> piece{};
  // read() turns a failure, a directory say, into badbit; an istreambuf_iterator would throw.
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    content.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) return std::unexpected("-b @" + path + ": cannot read that file");
  return content;
}

bool overwrites(const std::string& output, const std::vector<std::string>& inputs) {
  std::error_code none;  // what is not there is not overwritten
  return std::filesystem::is_regular_file(output, none) && std::ranges::any_of(inputs, [&](const std::string& each) {
           return std::filesystem::equivalent(output, each, none);
         });
}

std::string one_line(std::string_view text) {
  std::string line(text);
  std::ranges::replace_if(line, [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');
  return line;
}

}  // namespace assay::cli
