#include "lab/load/extraction.hpp"

#include <algorithm>

#include "stack/http/client.hpp"

namespace assay::load {

using taken_from = model::extraction::kind;

std::expected<extractor, std::string> extractor::create(const model::extraction& from, value_places goes) {
  extractor made(from);
  made.goes_ = goes;
  if (from.from == taken_from::json) {
    made.path_ = json_check::parse(from.what);
    if (!made.path_ || made.path_->compares()) {
      return std::unexpected("expected a path such as data.items[0].id, [\"odd.name\"] or $ for the whole");
    }
  }
  if (from.from == taken_from::header && !http::valid_request({.headers = {{"x-" + from.what, "x"}}})) {
    return std::unexpected("expected the name of a header field");
  }
  return made;
}

bool extractor::is_usable(const std::string& value) const {
  if (value.empty() || value.size() > max_extracted_bytes) return false;
  if (goes_.in_target && !http::valid_request({.target = "/" + value})) return false;
  return !goes_.in_header || http::valid_request({.headers = {{"x", value}}});
}

std::optional<std::string> extractor::between(std::string_view text) const {
  const std::size_t begin = text.find(from_.after);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + from_.after.size());
  const std::size_t end = from_.before.empty() ? text.size() : text.find(from_.before);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(0, end));
}

std::optional<std::string> extractor::from_head(const http::response_head& head) const {
  std::optional<std::string> found;
  if (from_.from == taken_from::header) {
    const std::optional<std::string_view> value = head.headers.find(from_.what);
    if (value) found = from_.after.empty() ? std::string(*value) : between(*value);
  }
  if (from_.from == taken_from::cookie) {
    for (const http::header_field& each : head.headers) {
      if (!http::equals_ignoring_case(each.name, "set-cookie")) continue;
      const named_value pair = cookie_pair(each.value);
      if (pair.name == from_.what) found = std::string(pair.value);  // the last one counts, as in a jar
    }
  }
  return found && is_usable(*found) ? found : std::nullopt;
}

std::optional<std::string> extractor::from_body(std::string_view body) const {
  std::optional<std::string> found = path_ ? path_->text_in(body) : between(body);
  return found && is_usable(*found) ? found : std::nullopt;
}

void answer_reader::begin(std::span<const extractor> wanted, cookie_jar* jar, std::string_view target, instant now,
                          std::int64_t unix_s) {
  wanted_ = wanted;
  jar_ = jar;
  target_ = target;
  now_ = now;
  unix_s_ = unix_s;
  keeps_body_ = std::ranges::any_of(wanted, [](const extractor& each) { return each.needs_body(); });
  too_long_ = false;
  body_.clear();
  from_head_.assign(wanted.size(), std::nullopt);
}

void answer_reader::on_head(const http::response_head& head) {
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    if (!wanted_[i].needs_body()) from_head_[i] = wanted_[i].from_head(head);
  }
  if (jar_ == nullptr) return;
  for (const http::header_field& each : head.headers) {
    if (http::equals_ignoring_case(each.name, "set-cookie")) jar_->take(each.value, target_, now_, unix_s_);
  }
}

void answer_reader::on_body(std::string_view piece) {
  if (!keeps_body_) return;
  too_long_ = too_long_ || body_.size() + piece.size() > max_json_body;
  if (!too_long_) body_ += piece;
}

std::optional<std::string> answer_reader::value(std::size_t index) const {
  const extractor& how = wanted_[index];
  if (!how.needs_body()) return from_head_[index];
  return too_long_ ? std::nullopt : how.from_body(body_);
}

}  // namespace assay::load
