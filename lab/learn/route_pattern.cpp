#include "lab/learn/route_pattern.hpp"

#include <algorithm>

namespace assay::learn {
namespace {

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

// Empty when the segment is neither a literal nor a placeholder.
std::optional<template_part> parse_part(std::string_view segment) {
  if (!segment.starts_with('{')) {
    const bool plain = std::ranges::all_of(segment, [](char c) { return c > ' ' && c < 0x7f && c != '{' && c != '}'; });
    if (!plain || segment.starts_with(':') || segment == "*") return std::nullopt;
    return template_part{.text = one_spelling(segment), .name = {}, .is_placeholder = false};
  }
  const std::size_t close = segment.find('}');
  if (close == std::string_view::npos || !is_name(segment.substr(1, close - 1))) return std::nullopt;
  const std::string_view ending = segment.substr(close + 1);
  if (ending.find_first_of("{} ") != std::string_view::npos) return std::nullopt;
  return template_part{.text = std::string(ending),
                       .name = std::string(segment.substr(1, close - 1)),
                       .is_placeholder = true,
                       .why = "named beforehand"};
}

}  // namespace

bool route_pattern::matches(std::string_view wanted, const split_target& target) const {
  if (wanted != method || target.segments.size() != parts.size()) return false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string_view segment = target.segments[i];
    const template_part& part = parts[i];
    const bool fits =
        part.is_placeholder ? segment.size() > part.text.size() && segment.ends_with(part.text) : segment == part.text;
    if (!fits) return false;
  }
  return true;
}

std::expected<route_pattern, std::string> parse_route_pattern(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return std::unexpected("--route \"" + std::string(text) + "\": " + std::string(why));
  };
  constexpr std::string_view expected = "expected a method and a path, such as 'GET /items/{id}/price'";
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || space == 0) return refuse(expected);
  route_pattern pattern{.typed = std::string(text), .method = std::string(text.substr(0, space)), .parts = {}};
  const bool is_method = std::ranges::all_of(pattern.method, [](char c) { return c >= 'A' && c <= 'Z'; });
  std::string_view path = text.substr(space + 1);
  if (!is_method || !path.starts_with('/')) return refuse(expected);
  if (path.find('?') != std::string_view::npos)
    return refuse("expected a path without a query; query keys are counted");
  path.remove_prefix(1);
  while (!path.empty() || text.ends_with('/')) {
    if (path.empty() && pattern.parts.empty()) break;  // "/" itself
    const std::size_t slash = path.find('/');
    auto part = parse_part(path.substr(0, slash));
    if (!part) return refuse("expected each segment to be plain text or {name}");
    const bool again = part->is_placeholder && std::ranges::any_of(pattern.parts, [&](const template_part& each) {
                         return each.is_placeholder && each.name == part->name;
                       });
    if (again) return refuse("expected each placeholder's name once");
    if (pattern.parts.size() == max_segments) return refuse("expected at most 16 segments");
    pattern.parts.push_back(std::move(*part));
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return pattern;
}

}  // namespace assay::learn
