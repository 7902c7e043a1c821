// What the rules of a replay refuse, and what they make of the rest.
#include "lab/load/replay_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::load {
namespace {

using ::testing::HasSubstr;

// The rule that refuses it; empty when it is sent.
std::string refusal(const replay_rule_texts& typed, const model::traffic_request& request) {
  const auto rules = replay_rules::create(typed, "target:80");
  if (!rules) return rules.error();
  const auto rule = rules->refused_by(request);
  return rule ? rules->names()[*rule] : "";
}

std::string rendered(const replay_rule_texts& typed, const model::traffic_request& request) {
  std::string bytes;
  replay_rules::create(typed, "target:80")->render(request, bytes);
  return bytes;
}

std::string why(const replay_rule_texts& typed) {
  const auto rules = replay_rules::create(typed, "target:80");
  return rules ? "it was understood" : rules.error();
}

TEST(replay_rules, only_methods_that_change_nothing_are_sent_unasked) {
  for (const char* method : {"GET", "HEAD", "OPTIONS", "TRACE"}) {
    EXPECT_EQ(refusal({}, {.method = method, .target = "/"}), "") << method;
  }
  for (const char* method : {"POST", "PUT", "PATCH", "DELETE", "PURGE"}) {
    EXPECT_EQ(refusal({}, {.method = method, .target = "/"}), "unsafe_method") << method;
    EXPECT_EQ(refusal({.unsafe = true}, {.method = method, .target = "/"}), "") << method;
  }
  const replay_rule_texts some{.allow = {"POST /cart/*", "DELETE"}};
  EXPECT_EQ(refusal(some, {.method = "POST", .target = "/cart/7?a=1"}), "");
  EXPECT_EQ(refusal(some, {.method = "POST", .target = "/orders"}), "unsafe_method");
  EXPECT_EQ(refusal(some, {.method = "DELETE", .target = "/orders"}), "");
}

TEST(replay_rules, what_cannot_be_sent_as_it_stands_is_not_sent) {
  const replay_rule_texts all{.unsafe = true};
  EXPECT_EQ(refusal(all, {.method = "CONNECT", .target = "host:443"}), "unsendable");
  EXPECT_EQ(refusal(all, {.method = "GET", .target = "*"}), "unsendable");
  EXPECT_EQ(refusal(all, {.method = "GET", .target = "/a b"}), "unsendable");
  EXPECT_EQ(refusal(all, {.method = "GET", .target = "/a\r\nX: y"}), "unsendable");
  EXPECT_EQ(refusal(all, {.method = "GET", .target = "/", .fields = "a b: c\r\n"}), "unsendable");
  EXPECT_EQ(refusal(all, {.method = "GET", .target = "/", .fields = "Content-Length: 7\r\n"}), "unsendable");
  EXPECT_EQ(refusal({.host = "recorded"}, {.method = "GET", .target = "/", .host = "a\nb"}), "unsendable");
  EXPECT_EQ(refusal(all, {.method = "POST", .target = "/", .body = "ha", .whole = false}), "body_cut");
}

TEST(replay_rules, refuse_by_method_path_and_host) {
  const replay_rule_texts typed{.refuse = {"* /admin/*", "HEAD"}, .only_host = "shop.example"};
  const auto asked = [&typed](std::string_view method, std::string_view target,
                              std::string_view host = "Shop.example") {
    return refusal(typed, {.method = method, .target = target, .host = host});
  };
  EXPECT_EQ(asked("GET", "/admin/x"), "--refuse * /admin/*");
  EXPECT_EQ(asked("GET", "/?to=/admin/x"), "");
  EXPECT_EQ(asked("HEAD", "/"), "--refuse HEAD");
  EXPECT_EQ(asked("GET", "/", "ads.example"), "other_host");
}

TEST(replay_rules, a_request_is_rendered_as_recorded) {
  EXPECT_EQ(
      rendered({},
               {.method = "GET", .target = "/a?b=c", .host = "shop.example", .fields = "Cookie: x=1\r\nX-Empty: \r\n"}),
      "GET /a?b=c HTTP/1.1\r\nHost: target:80\r\nCookie: x=1\r\nX-Empty: \r\n\r\n");
  EXPECT_EQ(rendered({}, {.method = "POST", .target = "/", .body = "a=b"}),
            "POST / HTTP/1.1\r\nHost: target:80\r\nContent-Length: 3\r\n\r\na=b");
  EXPECT_EQ(rendered({}, {.method = "POST", .target = "/"}),
            "POST / HTTP/1.1\r\nHost: target:80\r\nContent-Length: 0\r\n\r\n");
}

TEST(replay_rules, rewrite_host_path_and_headers) {
  const replay_rule_texts typed{.host = "recorded",
                                .rewrite = {"/v1/=/v2/", "/=/base/"},
                                .set_headers = {{"X-Replay", "1"}, {"authorization", "test"}},
                                .drop_headers = {"COOKIE"}};
  const std::string fields = "Authorization: secret\r\nCookie: x=1\r\nAccept: a\r\n";
  EXPECT_EQ(rendered(typed, {.method = "GET", .target = "/v1/a", .host = "shop.example", .fields = fields}),
            "GET /v2/a HTTP/1.1\r\nHost: shop.example\r\nAccept: a\r\nX-Replay: 1\r\nauthorization: test\r\n\r\n");
  EXPECT_THAT(rendered(typed, {.method = "GET", .target = "/x"}),
              HasSubstr("GET /base/x HTTP/1.1\r\nHost: target:80\r\n"));
  EXPECT_THAT(rendered({.host = "other"}, {.method = "GET", .target = "/", .host = "shop.example"}),
              HasSubstr("\r\nHost: other\r\n"));
}

TEST(replay_rules, say_what_they_expected) {
  EXPECT_THAT(why({.allow = {"POST cart"}}), HasSubstr("--allow \"POST cart\": expected a method, and perhaps a path"));
  EXPECT_THAT(why({.refuse = {"GET /a /b"}}), HasSubstr("--refuse"));
  EXPECT_THAT(why({.rewrite = {"/a"}}), HasSubstr("--rewrite \"/a\": expected two begins of paths"));
  EXPECT_THAT(why({.rewrite = {"/a=/b c"}}), HasSubstr("--rewrite"));
  EXPECT_THAT(why({.set_headers = {{"Content-Length", "1"}}}), HasSubstr("none of the framing"));
  EXPECT_THAT(why({.set_headers = {{"Host", "a"}}}), HasSubstr("--host"));
  EXPECT_THAT(why({.drop_headers = {"a b"}}), HasSubstr("--drop-header"));
  EXPECT_THAT(why({.refuse = std::vector<std::string>(max_replay_rules + 1, "GET")}), HasSubstr("at most 64"));
}

TEST(replay_rules, a_star_stands_for_anything) {
  EXPECT_TRUE(fits_pattern("/a*b*c", "/a--b-bc-c"));
  EXPECT_FALSE(fits_pattern("/a*b*c", "/a--b-bc-"));
  EXPECT_TRUE(fits_pattern("*", ""));
  EXPECT_TRUE(fits_pattern("/a**", "/a"));
  EXPECT_FALSE(fits_pattern("/a", "/ab"));
  EXPECT_FALSE(fits_pattern("", "a"));
  EXPECT_FALSE(fits_pattern(std::string(100, '*') + "b", std::string(1000, 'a')));
}

TEST(replay_rules, only_what_changes_nothing_twice_is_sent_twice) {
  EXPECT_TRUE(replay_rules::may_resend({.method = "GET"}));
  EXPECT_FALSE(replay_rules::may_resend({.method = "POST", .fields = "Accept: a\r\n"}));
  EXPECT_TRUE(replay_rules::may_resend({.method = "POST", .fields = "Idempotency-Key: 7\r\n"}));
}

}  // namespace
}  // namespace assay::load
