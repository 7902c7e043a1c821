#include "lab/plan/read_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "lab/model/feed.hpp"
#include "lab/plan/drafts.hpp"

namespace assay::plan {
namespace {

void move_down(yaml_node& node, int lines) {
  node.at.line += lines;
  for (yaml_node& each : node.items) move_down(each, lines);
  for (yaml_entry& each : node.entries) {
    each.at.line += lines;
    move_down(each.value, lines);
  }
}

// JSON is YAML as well, and each line of the file one document.
std::expected<yaml_node, std::string> parse_lines(const std::string& path, std::string_view text) {
  yaml_node list;
  list.is = yaml_node::form::list;
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.pop_back();
    if (line.find_first_not_of(" \t") == line.npos) continue;
    auto node = parse_yaml(path, line);
    if (!node) {
      const std::string first = path + ":1:";
      std::string why = node.error();
      if (why.starts_with(first)) why = fmt::format("{}:{}:{}", path, number, why.substr(first.size()));
      return std::unexpected(std::move(why));
    }
    move_down(*node, number - 1);
    list.items.push_back(std::move(*node));
  }
  return list;
}

}  // namespace

std::expected<std::vector<model::bound_route>, std::string> read_requests(const std::string& path) {
  const auto text = model::read_whole(path, most_document_bytes);
  if (!text) return std::unexpected(text.error());
  const bool lines = path.ends_with(".jsonl") || path.ends_with(".ndjson");
  const auto root = lines ? parse_lines(path, *text) : parse_yaml(path, *text);
  if (!root) return std::unexpected(root.error());
  std::error_code ignored;  // an absolute path needs no working directory
  reader in(path, std::filesystem::absolute(path, ignored).parent_path());
  if (root->is != yaml_node::form::list || root->items.empty()) {
    in.refuse(root->at, "expected a list of requests, \"- route: GET /items/{id}\" and so on, or a .jsonl file");
  }
  std::vector<model::bound_route> routes;
  for (std::size_t i = 0; i < root->items.size() && !in.failed(); ++i) {
    route_draft draft;
    decode(in, route_section(), fmt::format("[{}]", i), root->items[i], &draft);
    refuse_likeness(in, fmt::format("[{}]", i), root->items[i], draft);
    draft.acknowledged_by.clear();
    routes.push_back(std::move(static_cast<model::bound_route&>(draft)));
  }
  if (in.failed()) return std::unexpected(in.error());
  return routes;
}

}  // namespace assay::plan
