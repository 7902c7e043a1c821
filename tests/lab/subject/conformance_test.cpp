// Checks against scripted answers, and files that are wrong.
#include "lab/subject/conformance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/model/sha256.hpp"
#include "lab/subject/environment.hpp"
#include "tests/lab/subject/scripted_server.hpp"
#include "tests/lab/subject/support.hpp"

namespace assay::subject {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

// Why one expectation is not met by one answer; empty when it is.
std::string verdict(const std::string& expect, const std::string& answer) {
  const auto checks =
      decode_checks("checks: [{name: it, request: {target: /}, expect: " + expect + "}]", "checks.yaml");
  if (!checks) return checks.error();
  const scripted_server server([&answer](const seen_request&) -> std::optional<std::string> { return answer; });
  const auto results = run_checks(*checks, {.port = server.port()});
  EXPECT_EQ(results.front().passed, results.front().why.empty());
  return results.front().why;
}

std::string error_of(const std::string& text) {
  const auto checks = decode_checks(text, "f");
  return checks ? "decoded" : checks.error();
}

TEST(conformance, what_is_expected_is_a_part_of_what_may_come) {
  const std::string answer =
      answer_text(200, R"({"id":7,"tags":["a",{"k":1,"more":true}],"nothing":null,"price":1.5,"text":"7"})",
                  "Content-Type: application/json; charset=utf-8\r\n");
  EXPECT_EQ(verdict("{status: 200}", answer), "");
  EXPECT_EQ(verdict("{status: 200, headers: {content-type: application/json}, json: {id: 7, text: '7'}}", answer), "");
  EXPECT_EQ(verdict("{status: 200, json: {tags: [a, {k: 1}], nothing: null, price: 1.5}}", answer), "");
  EXPECT_EQ(verdict("{status: 200, json_lengths: {/tags: 2}}", answer), "");
  EXPECT_THAT(verdict("{status: 201}", answer), StartsWith("status 200, expected 201; body {\"id\":7"));
  EXPECT_THAT(verdict("{status: 200, headers: {etag: x}}", answer), StartsWith("header etag is missing, expected x"));
  EXPECT_THAT(verdict("{status: 200, headers: {content-type: text}}", answer),
              StartsWith("header content-type is app"));
  EXPECT_THAT(verdict("{status: 200, json: {id: '7'}}", answer), StartsWith("/id is 7, expected \"7\""));
  EXPECT_THAT(verdict("{status: 200, json: {text: 7}}", answer), StartsWith("/text is \"7\", expected 7"));
  EXPECT_THAT(verdict("{status: 200, json: {more: 7}}", answer), StartsWith("/more is missing, expected 7"));
  EXPECT_THAT(verdict("{status: 200, json: {tags: [a]}}", answer), StartsWith("/tags has 2 elements, expected 1"));
  EXPECT_THAT(verdict("{status: 200, json: {tags: [a, {k: 2}]}}", answer), StartsWith("/tags/1/k is 1, expected 2"));
  EXPECT_THAT(verdict("{status: 200, json: [7]}", answer), StartsWith("the body is {"));
  EXPECT_THAT(verdict("{status: 200, json_lengths: {/tags: 3}}", answer),
              StartsWith("/tags has 2 elements, expected 3"));
  EXPECT_THAT(verdict("{status: 200, json_lengths: {/id: 3}}", answer), StartsWith("/id is no array"));
  EXPECT_THAT(verdict("{status: 200, json_lengths: {/x/y: 3}}", answer), StartsWith("/x/y is missing"));
}

TEST(conformance, a_body_that_is_no_json_is_said_to_be_none) {
  EXPECT_EQ(verdict("{status: 200, json: {}}", answer_text(200, "<html>\x01\xff")),
            "the body is no JSON; body <html>?\xff");
  EXPECT_EQ(verdict("{status: 200, json: {}}", answer_text(200, "")), "the body is no JSON; no body");
  EXPECT_THAT(verdict("{status: 200, json: {}}", answer_text(200, std::string(100'000, '['))), HasSubstr("no JSON"));
  EXPECT_THAT(verdict("{status: 200, json: {a: b}}", answer_text(200, "{\"a\":\"\xff\"}")), HasSubstr("no JSON"));
}

TEST(conformance, bodies_have_their_hash) {
  EXPECT_EQ(model::sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(model::sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(model::sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  EXPECT_EQ(model::sha256_hex(std::string(55, 'a')),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(model::sha256_hex(std::string(56, 'a')),
            "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  EXPECT_EQ(verdict("{status: 200, body_sha256: " + model::sha256_hex("abc") + "}", answer_text(200, "abc")), "");
  EXPECT_THAT(verdict("{status: 200, body_sha256: " + model::sha256_hex("abc") + "}", answer_text(200, "abd")),
              StartsWith("SHA-256 of the body is "));
}

TEST(conformance, requests_are_sent_as_written_and_in_order) {
  const auto checks = decode_checks(
      "checks:\n"
      "  - name: first\n"
      "    request: {method: POST, target: '/a?b=%20', headers: {Idempotency-Key: k1}, body: '{\"x\":1}'}\n"
      "    expect: {status: 200}\n"
      "  - name: second\n"
      "    request: {method: PUT, target: /c, body_repeat: {text: ab, count: 50000}}\n"
      "    expect: {status: 200}\n",
      "f");
  ASSERT_TRUE(checks) << checks.error();
  std::vector<seen_request> seen;
  const scripted_server server([&seen](const seen_request& request) -> std::optional<std::string> {
    seen.push_back(request);
    return answer_text(200, "");
  });
  for (const check_result& each : run_checks(*checks, {.port = server.port()})) EXPECT_TRUE(each.passed) << each.why;
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_TRUE(seen[0].begins("POST /a?b=%20 HTTP/1.1\r\n"));
  EXPECT_THAT(seen[0].head, HasSubstr("Idempotency-Key: k1"));
  EXPECT_EQ(seen[0].body, "{\"x\":1}");
  EXPECT_TRUE(seen[1].begins("PUT /c HTTP/1.1\r\n"));
  EXPECT_EQ(seen[1].body.size(), 100'000U);
  EXPECT_EQ(seen[1].body.substr(0, 5), "ababa");
}

TEST(conformance, gives_up_on_a_candidate_that_does_not_answer) {
  std::string text = "checks:\n";
  for (const char* name : {"a", "b", "c", "d"}) {
    text += std::string("  - {name: ") + name + ", request: {target: /}, expect: {status: 200}}\n";
  }
  const auto checks = decode_checks(text, "f");
  ASSERT_TRUE(checks) << checks.error();
  const scripted_server mute([](const seen_request&) -> std::optional<std::string> { return std::nullopt; });
  auto results = run_checks(*checks, {.port = mute.port(), .limit = 20ms});
  ASSERT_EQ(results.size(), 4U);
  EXPECT_THAT(results[2].why, StartsWith("no answer: "));
  EXPECT_THAT(results[3].why, StartsWith("not tried: "));
  results = run_checks(*checks, {.port = *free_port()});
  EXPECT_THAT(results[0].why, StartsWith("no answer: "));
  EXPECT_FALSE(results[3].passed);
}

TEST(conformance, an_interruption_ends_the_wait_for_an_answer_and_tries_no_more) {
  const auto checks = decode_checks(
      "checks:\n"
      "  - {name: a, request: {target: /}, expect: {status: 200}}\n"
      "  - {name: b, request: {target: /}, expect: {status: 200}}\n"
      "  - {name: c, request: {target: /mute}, expect: {status: 200}}\n"
      "  - {name: d, request: {target: /}, expect: {status: 200}}\n",
      "f");
  ASSERT_TRUE(checks) << checks.error();
  const scripted_server server([](const seen_request& request) -> std::optional<std::string> {
    if (request.begins("GET /mute ")) return std::nullopt;
    return answer_text(200, "");
  });
  // Interrupted while the third waits; its limit would never end this test.
  const auto results = run_checks(
      *checks, {.port = server.port(), .limit = 1h, .interrupted = [&server] { return server.requests() == 3; }});
  ASSERT_EQ(results.size(), 4U);
  EXPECT_TRUE(results[0].passed && results[1].passed) << results[0].why << results[1].why;
  EXPECT_THAT(results[2].why, StartsWith("no answer: "));
  EXPECT_EQ(results[3].why, "not tried: interrupted");
  EXPECT_EQ(server.requests(), 3);

  const auto none = run_checks(*checks, {.port = server.port(), .interrupted = [] { return true; }});
  ASSERT_EQ(none.size(), 4U);
  EXPECT_EQ(none[0].why, "not tried: interrupted");
  EXPECT_FALSE(none[0].passed);
  EXPECT_EQ(server.requests(), 3);
}

TEST(conformance, a_wrong_file_is_refused_with_its_place) {
  const auto one = [](const std::string& check) { return "checks:\n  - " + check + "\n"; };
  EXPECT_EQ(error_of(""), "f: expected one YAML document with checks");
  EXPECT_EQ(error_of("checks: []"), "f:1:9: checks: expected a list that is not empty");
  EXPECT_EQ(error_of("tests: []"), "f:1:1: the file: unknown key \"tests\"; there are: checks");
  EXPECT_EQ(error_of("- a"), "f:1:1: the file: expected a map");
  EXPECT_THAT(error_of("checks: [\n"), StartsWith("f:2:1: "));
  EXPECT_THAT(error_of(std::string("checks: \0", 9)), HasSubstr("NUL"));
  EXPECT_THAT(error_of("checks: [a]\n---\nchecks: [b]\n"), HasSubstr("one YAML document"));
  EXPECT_EQ(error_of(one("{name: a, expect: {status: 200}}")), "f:2:5: check: expected name, request and expect");
  EXPECT_EQ(error_of(one("{name: a, name: b}")), "f:2:15: check: \"name\" stands twice");
  EXPECT_EQ(error_of(one("{name: a, request: {target: /}, expect: {status: 999}}")),
            "f:2:54: expect.status: expected a whole number from 200 to 599, found \"999\"");
  EXPECT_EQ(error_of(one("{name: a, request: {target: /}, expect: {}}")), "f:2:45: expect: status is missing");
  EXPECT_THAT(error_of(one("{name: a, request: {target: x}}")), HasSubstr("begins with /"));
  EXPECT_THAT(error_of(one("{name: a, request: {target: /, headers: {Content-Length: 4}}}")),
              HasSubstr("cannot be sent"));
  EXPECT_THAT(error_of(one("{name: a, request: {target: /, body: x, body_repeat: {text: a, count: 1}}}")),
              HasSubstr("exclude each other"));
  EXPECT_THAT(error_of(one("{name: a, request: {target: /, body_repeat: {text: aaaa, count: 16777216}}}")),
              HasSubstr("at most"));
  EXPECT_THAT(error_of(one("{name: a, request: {target: /}, expect: {status: 200, json_lengths: {a: 1}}}")),
              HasSubstr("no JSON pointer"));
  EXPECT_THAT(error_of(one("{name: a, request: {target: /}, expect: {status: 200, body_sha256: abc}}")),
              HasSubstr("64 hex digits"));
  EXPECT_THAT(error_of(one("{name: a, request: {target: /}, expect: {status: 200}}") +
                       "  - {name: a, request: {target: /}, expect: {status: 200}}\n"),
              HasSubstr("f:3:12: a check named \"a\" stands above"));
  // Aliases that unfold into a large tree.
  std::string bomb = "checks:\n  - {name: a, request: {target: /}, expect: {status: 200, json: {l0: &l0 [1,1]";
  for (int i = 1; i < 25; i++) {
    const std::string before = "*l" + std::to_string(i - 1);
    bomb += ", l" + std::to_string(i) + ": &l" + std::to_string(i) + " [" + before + ", " + before + "]";
  }
  EXPECT_THAT(error_of(bomb + "}}}\n"), HasSubstr("more than"));
  EXPECT_EQ(load_checks("/nowhere/checks.yaml").error(), "/nowhere/checks.yaml: cannot be read, or is empty");
}

}  // namespace
}  // namespace assay::subject
