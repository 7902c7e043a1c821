// A route that the user names: 'GET /items/{id}/price'. It comes before any that is guessed.
//
// Misuse: a pattern that covers another and stands first takes its requests; the first that matches wins.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "lab/learn/route_counts.hpp"

namespace assay::learn {

struct route_pattern {
  std::string typed;
  std::string method;
  std::vector<template_part> parts;
  std::string described_by = {};  // the file of the service's own description; empty when it was typed

  bool matches(std::string_view wanted, const split_target& target) const;
};

// "METHOD /path", a segment being a literal, {name} or {name} with an ending, {name}.css.
std::expected<route_pattern, std::string> parse_route_pattern(std::string_view text);

}  // namespace assay::learn
