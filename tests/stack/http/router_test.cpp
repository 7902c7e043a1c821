// Routing, and the text of targets.
#include "stack/http/router.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "stack/http/url_text.hpp"

namespace assay::http {
namespace {

using namespace std::string_literals;

task<response> answer(request&, const path_parameters&) { co_return response::text("ok\n"); }

class router_test : public ::testing::Test {
 protected:
  router_test() {
    routes_.add(method::get, "/", answer);
    routes_.add(method::get, "/items/{id}", answer);
    routes_.add(method::delete_, "/items/{id}", answer);
    routes_.add(method::get, "/items/newest", answer);
    routes_.add(method::get, "/items/{id}/lines/{line}", answer);
  }
  std::string_view template_of(std::string_view path) { return routes_.match(method::get, path).path_template; }

  router routes_;
};

TEST_F(router_test, a_parameter_is_one_segment_that_is_not_empty) {
  const auto found = routes_.match(method::get, "/items/7%2F8/lines/b");
  ASSERT_NE(found.serve, nullptr);
  EXPECT_EQ(found.path_template, "/items/{id}/lines/{line}");
  EXPECT_EQ(found.parameters["id"], "7%2F8");
  EXPECT_EQ(found.parameters["line"], "b");
  EXPECT_EQ(found.parameters["colour"], "");
  for (const char* path : {"/items", "/items/", "/items//lines/b", "/items/7/", "//items/7", "/items/7/lines/b/", "",
                           "*", "items/7", "//"}) {
    EXPECT_EQ(template_of(path), "") << path;
  }
  EXPECT_EQ(template_of("/"), "/");
}

TEST_F(router_test, a_literal_wins_over_a_parameter) {
  EXPECT_EQ(template_of("/items/newest"), "/items/newest");
  EXPECT_EQ(template_of("/items/newes"), "/items/{id}");
}

TEST_F(router_test, another_method_of_a_known_path_names_those_that_are_allowed) {
  const auto found = routes_.match(method::post, "/items/7");
  EXPECT_EQ(found.serve, nullptr);
  EXPECT_EQ(found.allow, "GET, DELETE");
  EXPECT_EQ(routes_.match(method::post, "/nowhere").allow, "");
}

TEST_F(router_test, a_defect_of_the_program_is_refused_when_it_is_added) {
  for (const char* bad :
       {"items", "", "/{", "/{}", "/a{b}", "/{a}b", "/{a{b}}", "/{1}/{2}/{3}/{4}/{5}/{6}/{7}/{8}/{9}"}) {
    EXPECT_THROW(routes_.add(method::get, bad, answer), std::invalid_argument) << bad;
  }
  EXPECT_THROW(routes_.add(method::get, "/items/{id}", answer), std::invalid_argument);
  EXPECT_THROW(routes_.add(method::put, "/items/{name}", answer), std::invalid_argument);
}

TEST(url_text_test, percent_decoding_is_strict) {
  EXPECT_EQ(percent_decoded("a%41%2f%00"), "aA/\0"s);
  EXPECT_EQ(percent_decoded("a+b"), "a+b");
  for (const char* bad : {"%", "%4", "%4g", "a%"}) EXPECT_EQ(percent_decoded(bad), std::nullopt) << bad;
}

TEST(url_text_test, a_query_parameter_is_the_first_of_its_name) {
  EXPECT_EQ(query_parameter("a=1&b=2&a=3", "a"), "1");
  EXPECT_EQ(query_parameter("a=1&b=x+y%2B", "b"), "x y+");
  EXPECT_EQ(query_parameter("a&b=", "a"), "");
  EXPECT_EQ(query_parameter("a&b=", "b"), "");
  EXPECT_EQ(query_parameter("%61=7", "a"), "7");
  EXPECT_EQ(query_parameter("a=%zz%", "a"), "%zz%");
  EXPECT_EQ(query_parameter("ab=1&&=", "a"), std::nullopt);
  EXPECT_EQ(query_parameter("", "a"), std::nullopt);
}

TEST(url_text_test, utf8_is_counted_by_code_point_and_what_is_not_utf8_is_refused) {
  EXPECT_EQ(utf8_length(""), 0u);
  EXPECT_EQ(utf8_length("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 4u);
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff", "\xe2\x82"}) {
    EXPECT_EQ(utf8_length(bad), std::nullopt);
  }
}

TEST(url_text_test, a_whole_number_is_digits_and_no_more) {
  EXPECT_EQ(parse_whole("7", 9), 7);
  EXPECT_EQ(parse_whole("007", 9), 7);
  EXPECT_EQ(parse_whole("999999999999999999", 18), 999'999'999'999'999'999);
  for (const char* bad : {"", "-1", "+1", "1.0", " 1", "1a", "1234567890"}) {
    EXPECT_EQ(parse_whole(bad, 9), std::nullopt) << bad;
  }
}

TEST(url_text_test, a_number_has_one_text_and_is_within_its_bounds) {
  EXPECT_EQ(whole_number("0", -1, 1), 0);
  EXPECT_EQ(whole_number("-1", -1, 1), -1);
  EXPECT_EQ(whole_number("-9223372036854775808", INT64_MIN, INT64_MAX), INT64_MIN);
  EXPECT_EQ(natural_number("18446744073709551615", UINT64_MAX), UINT64_MAX);
  for (const char* bad : {"", "-", "-2", "2", "01", "-0", "-01", "+1", " 1", "1 ", "9223372036854775808"}) {
    EXPECT_EQ(whole_number(bad, -1, 1), std::nullopt) << bad;
    EXPECT_EQ(natural_number(bad, 1), std::nullopt) << bad;
  }
  EXPECT_EQ(natural_number("-1", UINT64_MAX), std::nullopt);
  EXPECT_EQ(natural_number("18446744073709551616", UINT64_MAX), std::nullopt);
}

TEST(url_text_test, a_uuid_has_one_form) {
  EXPECT_TRUE(is_uuid("c0ffee00-0000-4000-8000-00000000000A"));
  for (const char* bad : {"", "c0ffee00-0000-4000-8000-00000000000", "c0ffee0000004000800000000000000a0000",
                          "{0ffee00-0000-4000-8000-00000000000}", "c0ffee00-0000-4000-8000-00000000000g"}) {
    EXPECT_FALSE(is_uuid(bad)) << bad;
  }
}

}  // namespace
}  // namespace assay::http
