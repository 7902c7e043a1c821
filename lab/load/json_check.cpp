#include "lab/load/json_check.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace assay::load {
namespace {

constexpr auto without_exceptions = false;

bool is_sign(char c) { return c == '=' || c == '~'; }

}  // namespace

struct json_check::found {
  const nlohmann::json& document;
};

bool json_check::take_member(std::string_view& left) {
  const std::size_t end = std::min(left.find_first_of(".[=~"), left.size());
  if (end == 0) return false;
  path_.push_back({.member = std::string(left.substr(0, end))});
  left.remove_prefix(end);
  return true;
}

bool json_check::take_bracket(std::string_view& left) {
  left.remove_prefix(1);
  const bool quoted = left.starts_with('"');
  const std::string_view closing = quoted ? "\"]" : "]";
  if (quoted) left.remove_prefix(1);
  const std::size_t end = left.find(closing);
  if (end == std::string_view::npos) return false;
  const std::string_view inside = left.substr(0, end);
  left.remove_prefix(end + closing.size());
  if (quoted) {
    path_.push_back({.member = std::string(inside)});
    return true;
  }
  std::size_t place = 0;
  const auto [after, failed] = std::from_chars(inside.data(), inside.data() + inside.size(), place);
  if (failed != std::errc() || after != inside.data() + inside.size()) return false;
  path_.push_back({.place = place});
  return true;
}

// Up to the sign, or the end.
bool json_check::take_path(std::string_view& left) {
  const bool from_top = left.starts_with('$');
  if (from_top) left.remove_prefix(1);
  while (!left.empty() && !is_sign(left.front())) {
    if (left.front() == '[') {
      if (!take_bracket(left)) return false;
      continue;
    }
    const bool begins = path_.empty() && !from_top;
    if (left.front() == '.' && !begins) {
      left.remove_prefix(1);
    } else if (!begins) {
      return false;
    }
    if (!take_member(left)) return false;
  }
  return from_top || !path_.empty();
}

std::optional<json_check> json_check::parse(std::string_view text) {
  json_check read;
  if (!read.take_path(text)) return std::nullopt;
  if (text.empty()) return read;
  read.is_ = text.front() == '=' ? how::equals : how::contains;
  read.text_ = text.substr(1);
  if (read.text_.empty()) return std::nullopt;
  return read;
}

std::optional<json_check::found> json_check::locate(const found& in) const {
  const nlohmann::json* at = &in.document;
  for (const step& each : path_) {
    if (each.place) {
      if (!at->is_array() || *each.place >= at->size()) return std::nullopt;
      at = &(*at)[*each.place];
    } else {
      if (!at->is_object()) return std::nullopt;
      const auto member = at->find(each.member);
      if (member == at->end()) return std::nullopt;
      at = &*member;
    }
  }
  return found{*at};
}

bool json_check::holds(const found& in) const {
  const std::optional<found> there = locate(in);
  if (!there) return false;
  if (is_ == how::present) return true;
  const nlohmann::json& at = there->document;
  const std::string* const text = at.get_ptr<const std::string*>();
  if (is_ == how::contains) return text != nullptr && text->contains(text_);
  return (text != nullptr && *text == text_) || at == nlohmann::json::parse(text_, nullptr, without_exceptions);
}

std::optional<std::string> json_check::text_in(std::string_view body) const {
  const nlohmann::json document = nlohmann::json::parse(body, nullptr, without_exceptions);
  const std::optional<found> there = document.is_discarded() ? std::nullopt : locate({document});
  if (!there) return std::nullopt;
  if (const auto* text = there->document.get_ptr<const std::string*>()) return *text;
  if (!there->document.is_number() && !there->document.is_boolean()) return std::nullopt;
  std::string text = there->document.dump();
  // Of more digits than a double has, or written with an exponent: what would be sent is another text, or number.
  if (there->document.is_number_float() && !body.contains(text)) return std::nullopt;
  return text;
}

bool json_check::all_hold(std::span<const json_check> checks, std::string_view body) {
  const nlohmann::json document = nlohmann::json::parse(body, nullptr, without_exceptions);
  if (document.is_discarded()) return false;
  return std::ranges::all_of(checks, [&document](const json_check& each) { return each.holds({document}); });
}

}  // namespace assay::load
