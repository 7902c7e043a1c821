#include "lab/load/answer_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

namespace assay::load {
namespace {

constexpr std::string_view forms =
    "expected status=200,404 or status=2xx, header:NAME, header:NAME=VALUE, header:NAME~PART, body~PART, or "
    "json:PATH, json:PATH=VALUE, json:PATH~PART";

bool is_token(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

}  // namespace

stream_pattern::stream_pattern(std::string text) : text_(std::move(text)), borders_(text_.size(), 0) {
  assert(!text_.empty() && text_.size() <= max_check_bytes);
  std::size_t border = 0;
  for (std::size_t i = 1; i < text_.size(); ++i) {
    while (border > 0 && text_[i] != text_[border]) border = borders_[border - 1];
    if (text_[i] == text_[border]) ++border;
    borders_[i] = static_cast<std::uint16_t>(border);
  }
}

std::size_t stream_pattern::advance(std::size_t matched, std::string_view piece) const {
  for (std::size_t i = 0; i < piece.size() && matched < text_.size(); ++i) {
    if (matched == 0) {
      i = piece.find(text_.front(), i);
      if (i == std::string_view::npos) return 0;
    }
    while (matched > 0 && piece[i] != text_[matched]) matched = borders_[matched - 1];
    if (piece[i] == text_[matched]) ++matched;
  }
  return matched;
}

bool answer_checks::add_statuses(std::string_view list) {
  while (true) {
    const std::string_view one = list.substr(0, list.find(','));
    int first = 0;
    const bool whole_class = one.size() == 3 && one.ends_with("xx");
    const std::string_view digits = whole_class ? one.substr(0, 1) : one;
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), first);
    if (failed != std::errc() || end != digits.data() + digits.size()) return false;
    if (whole_class) first *= 100;
    if (first < 200 || first > 999) return false;
    for (int status = first; status < first + (whole_class ? 100 : 1); ++status) statuses_.push_back(status);
    if (one.size() == list.size()) return true;
    list.remove_prefix(one.size() + 1);
  }
}

bool answer_checks::add_field(std::string_view text) {
  const std::size_t sign = std::min(text.find_first_of("=~"), text.size());
  field_check read{.name = std::string(text.substr(0, sign)), .text = {}};
  if (!is_token(read.name)) return false;
  if (sign < text.size()) {
    read.is = text[sign] == '=' ? field_check::how::equals : field_check::how::contains;
    read.text = text.substr(sign + 1);
    if (read.text.empty()) return false;
  }
  fields_.push_back(std::move(read));
  return true;
}

bool answer_checks::add_value(std::string_view text) {
  std::optional<json_check> read = json_check::parse(text);
  if (!read) return false;
  values_.push_back(std::move(*read));
  return true;
}

std::expected<void, std::string> answer_checks::add(std::string_view text) {
  constexpr std::string_view status = "status=";
  constexpr std::string_view header = "header:";
  constexpr std::string_view body = "body~";
  constexpr std::string_view value = "json:";
  if (fields_.size() + texts_.size() + values_.size() >= max_checks) {
    return std::unexpected(fmt::format("--check: expected at most {} of them", max_checks));
  }
  if (text.size() > max_check_bytes) {
    return std::unexpected(fmt::format("--check: expected at most {} bytes", max_check_bytes));
  }
  bool read = false;
  if (text.starts_with(status)) {
    read = add_statuses(text.substr(status.size()));
  } else if (text.starts_with(header)) {
    read = add_field(text.substr(header.size()));
  } else if (text.starts_with(body) && text.size() > body.size()) {
    texts_.emplace_back(std::string(text.substr(body.size())));
    read = true;
  } else if (text.starts_with(value)) {
    read = add_value(text.substr(value.size()));
  }
  if (!read) return std::unexpected(fmt::format("--check \"{}\": {}", text, forms));
  return {};
}

bool answer_checks::holds(const field_check& of, const http::header_list& headers) {
  return std::ranges::any_of(headers, [&](const http::header_field& each) {
    if (!http::equals_ignoring_case(each.name, of.name)) return false;
    if (of.is == field_check::how::equals) return each.value == of.text;
    return of.is == field_check::how::present || each.value.contains(of.text);
  });
}

bool answer_checks::fields_hold(const http::header_list& headers) const {
  return std::ranges::all_of(fields_, [&](const field_check& each) { return holds(each, headers); });
}

void body_watch::keep(std::string_view piece) {
  too_long_ = too_long_ || document_.size() + piece.size() > max_json_body;
  if (!too_long_) document_ += piece;
}

bool body_watch::values_hold() const {
  return values_.empty() || (!too_long_ && json_check::all_hold(values_, document_));
}

bool body_watch::holds() const {
  for (std::size_t i = 0; i < matched_.size(); ++i) {
    if (matched_[i] < texts_[i].size()) return false;
  }
  return true;
}

}  // namespace assay::load
