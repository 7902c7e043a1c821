// Text with placeholders, "/items/{id}?page={page}", parsed once into pieces so that filling it in is only appending.
// "{{" and "}}" are literal braces. A name is a letter or '_', then letters, digits, '_' and '-'.
//
// Misuse: parsing per request. Parse when the plan is read, share one list of names between the target, headers and
// body of a route, and draw each name's value once a request, so that a key sent twice is the same key.
#pragma once

#include <cstddef>
#include <expected>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::model {

struct template_piece {
  static constexpr std::size_t is_literal = std::numeric_limits<std::size_t>::max();

  std::string literal;                   // of a literal
  std::size_t placeholder = is_literal;  // else the index of its name

  friend bool operator==(const template_piece&, const template_piece&) = default;
};

struct compiled_template {
  std::vector<template_piece> pieces;

  // Appends the text with each placeholder replaced by values[its index]; `values` is as long as the list of names.
  void expand(std::span<const std::string> values, std::string& out) const;
};

// Names not yet in `names` are added to it. The error says where and what: "column 8: …".
std::expected<compiled_template, std::string> parse_template(std::string_view text, std::vector<std::string>& names);

// `text` with its braces doubled: a template that expands to it.
std::string literal_template(std::string_view text);

}  // namespace assay::model
