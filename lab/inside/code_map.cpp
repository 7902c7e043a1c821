#include "lab/inside/code_map.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "lab/inside/proc.hpp"

namespace assay::inside {
namespace {

constexpr std::size_t most_modules = 4096;

bool parse_hex(std::string_view text, std::uint64_t& into) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), into, 16);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
}

bool is_system(std::string_view path) {
  constexpr std::array folders{"/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/", "/usr/local/lib/", "/nix/store/"};
  return std::ranges::any_of(folders, [path](std::string_view folder) { return path.starts_with(folder); });
}

}  // namespace

// "begin-end perms offset device inode   path"
code_map::code_map(std::string_view maps) {
  while (!maps.empty() && modules_.size() < most_modules) {
    auto line = maps.substr(0, maps.find('\n'));
    maps.remove_prefix(std::min(line.size() + 1, maps.size()));
    const auto dash = line.find('-');
    const auto space = line.find(' ');
    const auto path = line.find('/');
    if (path == std::string_view::npos || dash == std::string_view::npos || space < dash || space + 6 > line.size()) {
      continue;
    }
    mapped_file one;
    std::uint64_t offset = 0;
    const auto behind = line.substr(space + 6);  // "r-xp " is five characters
    if (!parse_hex(line.substr(0, dash), one.begin) || !parse_hex(line.substr(dash + 1, space - dash - 1), one.end) ||
        !parse_hex(behind.substr(0, behind.find(' ')), offset)) {
      continue;
    }
    one.base = one.begin - offset;
    one.path = line.substr(path);
    modules_.push_back(std::move(one));
  }
}

code_map code_map::of(std::uint32_t pid) {
  const auto text = read_text(fmt::format("/proc/{}/maps", pid));
  return code_map(text ? *text : std::string());
}

code_map::frames code_map::translate(const std::vector<std::uint64_t>& addresses) const {
  frames result;
  for (const auto address : addresses) {
    const auto found = std::ranges::find_if(
        modules_, [address](const mapped_file& one) { return address >= one.begin && address < one.end; });
    if (found == modules_.end()) continue;
    const auto name = found->path.substr(found->path.rfind('/') + 1);
    if (name.starts_with("libassay_probe")) continue;
    result.stack.push_back(fmt::format("{}+{:#x}", name, address - found->base));
    if (result.place.empty() && !is_system(found->path)) result.place = result.stack.back();
  }
  return result;
}

}  // namespace assay::inside
