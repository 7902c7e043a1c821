#include "lab/model/template.hpp"

#include <algorithm>

namespace assay::model {
namespace {

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_name(std::string_view text) {
  const auto continues = [](char c) { return begins_name(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && begins_name(text.front()) && std::ranges::all_of(text, continues);
}

std::unexpected<std::string> refuse(std::size_t offset, std::string_view why) {
  return std::unexpected("column " + std::to_string(offset + 1) + ": " + std::string(why));
}

void add_literal(compiled_template& made, std::string_view text) {
  if (made.pieces.empty() || made.pieces.back().placeholder != template_piece::is_literal) made.pieces.emplace_back();
  made.pieces.back().literal += text;
}

}  // namespace

void compiled_template::expand(std::span<const std::string> values, std::string& out) const {
  for (const template_piece& each : pieces) {
    out += each.placeholder == template_piece::is_literal ? each.literal : values[each.placeholder];
  }
}

std::expected<compiled_template, std::string> parse_template(std::string_view text, std::vector<std::string>& names) {
  compiled_template made;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t brace = std::min(text.find_first_of("{}", at), text.size());
    if (brace > at) add_literal(made, text.substr(at, brace - at));
    if (brace == text.size()) break;
    if (text.substr(brace, 2) == "{{" || text.substr(brace, 2) == "}}") {
      add_literal(made, text.substr(brace, 1));
      at = brace + 2;
      continue;
    }
    if (text[brace] == '}') return refuse(brace, "a single }; write }} for a literal brace");
    const std::size_t end = text.find('}', brace);
    const std::string_view name = text.substr(brace + 1, end == text.npos ? 0 : end - brace - 1);
    if (!is_name(name)) return refuse(brace, "{ begins no {placeholder}; write {{ for a literal brace");
    const auto known = std::ranges::find(names, name);
    made.pieces.push_back({.literal = {}, .placeholder = static_cast<std::size_t>(known - names.begin())});
    if (known == names.end()) names.emplace_back(name);
    at = end + 1;
  }
  return made;
}

std::string literal_template(std::string_view text) {
  std::string doubled;
  for (const char c : text) {
    doubled += c;
    if (c == '{' || c == '}') doubled += c;
  }
  return doubled;
}

}  // namespace assay::model
