#include "lab/load/answer_checks.hpp"

#include <gtest/gtest.h>

#include <string>

namespace assay::load {
namespace {

// Whether a body that comes in pieces of that size passes.
bool passes(const answer_checks& checks, std::string_view body, std::size_t piece) {
  body_watch watch(checks);
  for (int answers = 0; answers < 2; ++answers) {  // begin() forgets the one before
    watch.begin();
    for (std::size_t at = 0; at < body.size(); at += piece) watch.take(body.substr(at, piece));
  }
  return watch.holds();
}

TEST(answer_checks, a_text_is_found_wherever_the_pieces_end) {
  std::string body;
  for (unsigned i = 0; i < 400; ++i) body += static_cast<char>('a' + (i * i * 7 + i / 3) % 3);
  for (std::size_t length : {1U, 2U, 3U, 5U, 8U}) {
    for (std::size_t from = 0; from < 60; ++from) {
      // Both what is in it and what, most likely, is not: find() is the judge.
      for (const std::string& text : {body.substr(from, length), body.substr(from, length) + "abacabab"}) {
        answer_checks checks;
        ASSERT_TRUE(checks.add("body~" + text));
        const bool there = body.contains(text);
        for (std::size_t piece : {1U, 2U, 7U, 400U}) ASSERT_EQ(passes(checks, body, piece), there) << text;
      }
    }
  }
}

TEST(answer_checks, all_texts_are_to_be_there) {
  answer_checks checks;
  ASSERT_TRUE(checks.add("body~aab"));
  ASSERT_TRUE(checks.add("body~\"ok\":true"));
  EXPECT_TRUE(passes(checks, "aaaab {\"ok\":true}", 3));
  EXPECT_FALSE(passes(checks, "aaaa {\"ok\":true}", 3));
  EXPECT_FALSE(passes(checks, "aab", 3));
  EXPECT_FALSE(passes(checks, "", 1));
}

TEST(answer_checks, header_fields_are_there_are_equal_or_hold_a_part) {
  http::header_list headers;
  ASSERT_TRUE(headers.push_back({"Content-Type", "application/json"}));
  ASSERT_TRUE(headers.push_back({"X-Cache", "MISS"}));
  ASSERT_TRUE(headers.push_back({"X-Cache", "HIT"}));
  const auto holds = [&headers](const std::string& text) {
    answer_checks checks;
    EXPECT_TRUE(checks.add(text)) << text;
    EXPECT_TRUE(checks.any());
    return checks.fields_hold(headers);
  };
  for (const char* there : {"header:content-type", "header:content-type=application/json", "header:CONTENT-TYPE~json",
                            "header:x-cache=HIT", "header:x-cache=MISS"}) {
    EXPECT_TRUE(holds(there)) << there;
  }
  for (const char* missing : {"header:etag", "header:content-type=json", "header:x-cache~hit", "header:content"}) {
    EXPECT_FALSE(holds(missing)) << missing;
  }
}

TEST(answer_checks, statuses_are_numbers_or_a_class) {
  answer_checks checks;
  ASSERT_TRUE(checks.add("status=404,201"));
  EXPECT_EQ(checks.statuses(), (std::vector{404, 201}));
  EXPECT_FALSE(checks.any()) << "the routes look at the status";
  ASSERT_TRUE(checks.add("status=2xx"));
  EXPECT_EQ(checks.statuses().size(), 102U);
}

TEST(answer_checks, json_holds_values_in_their_places) {
  const std::string body = R"({"id":7,"name":"a shop","open":true,"none":null,"odd.name":{"x":[1,{"y":"7"}]},"e":""})";
  const auto holds = [](const std::string& text, std::string_view in) {
    answer_checks checks;
    EXPECT_TRUE(checks.add("json:" + text)) << text;
    EXPECT_TRUE(checks.any());
    body_watch watch(checks);
    for (int answers = 0; answers < 2; ++answers) {  // begin() forgets the one before
      watch.begin();
      for (std::size_t at = 0; at < in.size(); at += 5) watch.take(in.substr(at, 5));
    }
    return watch.values_hold();
  };
  for (const char* there :
       {"id", "$", "$.id=7", "id=7.0", "name=a shop", "name=\"a shop\"", "name~shop", "open=true", "none", "none=null",
        "[\"odd.name\"].x[0]=1", "$[\"odd.name\"].x[1].y=7", "[\"odd.name\"].x=[1,{\"y\":\"7\"}]", "e=\"\""}) {
    EXPECT_TRUE(holds(there, body)) << there;
  }
  for (const char* missing : {"ID", "id=8", "id~7", "name=shop", "open=1", "none=0", "odd", "id.x", "id[0]", "$[0]",
                              "[\"odd.name\"].x[2]", "name=7", "e=null"}) {
    EXPECT_FALSE(holds(missing, body)) << missing;
  }
  EXPECT_TRUE(holds("$=3", "3"));
  EXPECT_FALSE(holds("$", "")) << "no JSON at all";
  EXPECT_FALSE(holds("id", R"({"id":7)")) << "a part of it";
  EXPECT_FALSE(holds("id", R"({"id":7} and more)"));
  EXPECT_FALSE(holds("$", "\"" + std::string(max_json_body, 'x') + "\"")) << "too long to be kept";
}

TEST(answer_checks, that_are_none_say_what_was_expected) {
  for (const char* text : {"",           "status",      "status=",     "status=x",    "status=20",
                           "status=1xx", "status=1000", "status=200,", "status=2xxx", "header:",
                           "header:=x",  "header:a b",  "header:a=",   "header:a~",   "body~",
                           "body=x",     "body",        "json:",       "json:=1",     "json:.a",
                           "json:a..b",  "json:a.",     "json:a[x]",   "json:a[0",    "json:a[]",
                           "json:[\"a]", "json:$a",     "json:a[0]b",  "json:a=",     "json:a~"}) {
    answer_checks checks;
    const auto added = checks.add(text);
    ASSERT_FALSE(added) << text;
    EXPECT_TRUE(added.error().starts_with("--check \"" + std::string(text) + "\": expected status=")) << added.error();
  }
  answer_checks full;
  for (std::size_t i = 0; i < max_checks; ++i) ASSERT_TRUE(full.add("body~x"));
  EXPECT_EQ(full.add("body~x").error(), "--check: expected at most 16 of them");
  answer_checks checks;
  EXPECT_FALSE(checks.add("body~" + std::string(max_check_bytes, 'x')));
}

}  // namespace
}  // namespace assay::load
