#include "lab/load/extraction.hpp"

#include <gtest/gtest.h>

namespace assay::load {
namespace {

using taken_from = model::extraction::kind;

extractor made(const model::extraction& from, value_places goes = {}) {
  auto read = extractor::create(from, goes);
  EXPECT_TRUE(read) << read.error();
  return *read;
}

std::optional<std::string> in_body(const model::extraction& from, std::string_view body) {
  return made(from).from_body(body);
}

TEST(extraction, takes_a_value_of_json) {
  const auto at = [](const char* path, std::string_view body) {
    return in_body({.from = taken_from::json, .what = path}, body);
  };
  EXPECT_EQ(at("a.b[1]", R"({"a":{"b":[1,"two"]}})"), "two");
  EXPECT_EQ(at("n", R"({"n":12345678901234})"), "12345678901234");
  EXPECT_EQ(at("yes", R"({"yes":true})"), "true");
  for (const std::string_view none :
       {R"({"n":null})", R"({"n":{}})", R"({"n":[]})", R"({"n":""})", R"({"m":1})", "", "{"}) {
    EXPECT_EQ(at("n", none), std::nullopt) << none;
  }
  EXPECT_FALSE(extractor::create({.from = taken_from::json, .what = "a=1"}, {}));
  EXPECT_FALSE(extractor::create({.from = taken_from::json, .what = "a..b"}, {}));
}

TEST(extraction, takes_what_lies_between_two_texts) {
  const model::extraction token{.from = taken_from::body, .after = "value=\"", .before = "\""};
  EXPECT_EQ(in_body(token, R"(<input name=t value="abc"><input value="d">)"), "abc");
  EXPECT_EQ(in_body(token, R"(value="abc)"), std::nullopt);
  EXPECT_EQ(in_body(token, R"(value="")"), std::nullopt) << "nothing is no value";
  EXPECT_EQ(in_body(token, "value=\"" + std::string(max_extracted_bytes + 1, 'x') + "\""), std::nullopt);
}

TEST(extraction, takes_a_field_a_part_of_it_or_a_cookie) {
  http::response_head head;
  ASSERT_TRUE(head.headers.push_back({"Location", "/orders/17?new=1"}));
  ASSERT_TRUE(head.headers.push_back({"Set-Cookie", "a=1; Path=/"}));
  ASSERT_TRUE(head.headers.push_back({"set-cookie", " sid = x-y ; Secure"}));
  EXPECT_EQ(made({.from = taken_from::header, .what = "location"}).from_head(head), "/orders/17?new=1");
  EXPECT_EQ(made({.from = taken_from::header, .what = "location", .after = "/orders/", .before = "?"}).from_head(head),
            "17");
  EXPECT_EQ(made({.from = taken_from::header, .what = "location", .after = "new="}).from_head(head), "1");
  EXPECT_EQ(made({.from = taken_from::header, .what = "location", .after = "old="}).from_head(head), std::nullopt);
  EXPECT_EQ(made({.from = taken_from::header, .what = "x-none"}).from_head(head), std::nullopt);
  EXPECT_EQ(made({.from = taken_from::cookie, .what = "sid"}).from_head(head), "x-y");
  EXPECT_EQ(made({.from = taken_from::cookie, .what = "b"}).from_head(head), std::nullopt);
}

TEST(extraction, leaves_what_would_make_another_request) {
  const model::extraction any{.from = taken_from::json, .what = "v"};
  const std::string split = R"({"v":"a\r\nX: y"})";
  EXPECT_EQ(made(any).from_body(split), "a\r\nX: y") << "a body may hold anything";
  EXPECT_EQ(made(any, {.in_header = true}).from_body(split), std::nullopt);
  EXPECT_EQ(made(any, {.in_header = true}).from_body(R"({"v":"a b"})"), "a b");
  EXPECT_EQ(made(any, {.in_target = true}).from_body(R"({"v":"a b"})"), std::nullopt);
  EXPECT_EQ(made(any, {.in_target = true}).from_body(R"({"v":"a%20b"})"), "a%20b");
}

TEST(extraction, reads_an_answer_as_it_comes) {
  const std::vector wanted = {made({.from = taken_from::json, .what = "v"}),
                              made({.from = taken_from::header, .what = "x"})};
  http::response_head head;
  ASSERT_TRUE(head.headers.push_back({"X", "1"}));
  answer_reader reads;
  for (int again = 0; again < 2; ++again) {
    reads.begin(wanted, nullptr, "/", instant{}, 0);
    reads.on_head(head);
    for (const std::string_view piece : {R"({"v)", R"(":)", "7}"}) reads.on_body(piece);
    EXPECT_EQ(reads.value(0), "7");
    EXPECT_EQ(reads.value(1), "1");
  }
  reads.begin(wanted, nullptr, "/", instant{}, 0);
  reads.on_body(R"({"v":7)");
  for (std::size_t i = 0; i <= max_json_body / 1024; ++i) reads.on_body(std::string(1024, ' '));
  reads.on_body("}");
  EXPECT_EQ(reads.value(0), std::nullopt) << "a body that is too long to keep";
  EXPECT_EQ(reads.value(1), std::nullopt) << "not that of the answer before";
}

}  // namespace
}  // namespace assay::load
