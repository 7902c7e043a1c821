#include "lab/model/template.hpp"

#include <gtest/gtest.h>

namespace assay::model {
namespace {

std::string expanded(std::string_view text, std::vector<std::string> names, const std::vector<std::string>& values) {
  const auto parsed = parse_template(text, names);
  std::string out;
  if (parsed) parsed->expand(values, out);
  return parsed ? out : parsed.error();
}

TEST(template_text, is_filled_in) {
  EXPECT_EQ(expanded("/items/{id}?p={page}&q={id}", {}, {"7", "2"}), "/items/7?p=2&q=7");
  EXPECT_EQ(expanded("{{\"a\":{id}}}", {}, {"7"}), "{\"a\":7}");
  EXPECT_EQ(expanded("", {}, {}), "");
  EXPECT_EQ(expanded("{b}{a}", {"a", "b"}, {"1", "2"}), "21");
  EXPECT_EQ(expanded("{third-party}", {}, {"x"}), "x");
}

TEST(template_text, shares_names_between_parts) {
  std::vector<std::string> names;
  ASSERT_TRUE(parse_template("/a/{id}", names).has_value());
  const auto second = parse_template("x{key}y{id}", names);
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(names, (std::vector<std::string>{"id", "key"}));
  EXPECT_EQ(second->pieces, (std::vector<template_piece>{{"x"}, {"", 1}, {"y"}, {"", 0}}));
}

TEST(template_text, says_where_a_brace_is_wrong) {
  EXPECT_EQ(expanded("ab}", {}, {}), "column 3: a single }; write }} for a literal brace");
  for (const char* bad : {"ab{", "ab{}", "ab{1}", "ab{a b}", "ab{{a}", "ab{a{b}}"}) {
    EXPECT_TRUE(expanded(bad, {}, {}).starts_with("column ")) << bad;
  }
}

TEST(template_text, any_text_can_be_literal) {
  for (const char* text : {"{", "}", "{a}", "{{", "}}{{}", "plain"}) {
    EXPECT_EQ(expanded(literal_template(text), {}, {}), text);
  }
}

}  // namespace
}  // namespace assay::model
