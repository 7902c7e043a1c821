#include "lab/plan/route_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/plan/yaml_tree.hpp"

namespace assay::plan {

std::vector<std::string> placeholders_of(std::string_view path) {
  std::vector<std::string> names;
  for (std::size_t open = path.find('{'); open != path.npos; open = path.find('{', open + 1)) {
    names.emplace_back(path.substr(open + 1, std::min(path.find('}', open), path.size()) - open - 1));
  }
  return names;
}

std::string shape_of(std::string_view name) {
  std::string shape;
  bool inside = false;
  for (const char c : name) {
    if (c == '}') inside = false;
    if (!inside) shape += c;
    if (c == '{') inside = true;
  }
  return shape;
}

std::string shown(const std::string& name) {
  const std::string text = in_quotes(name);
  return text.substr(1, text.size() - 2);
}

std::string percent(double share) { return fmt::format("{:.3g} %", share * 100); }

}  // namespace assay::plan
