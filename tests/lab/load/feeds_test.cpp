#include "lab/load/feeds.hpp"

#include <gtest/gtest.h>

#include "lab/load/options.hpp"
#include "lab/load/workload.hpp"

namespace assay::load {
namespace {

using kind = model::value_source::kind;

TEST(feeds, generators) {
  const auto made = [](const std::string& text) {
    const auto read = parse_feed("n=" + text);
    EXPECT_TRUE(read) << read.error();
    return read ? read->second : model::value_source();
  };
  EXPECT_EQ(made("uuid").from, kind::uuid);
  EXPECT_EQ(made("seq").from, kind::sequence);
  EXPECT_EQ(made("seq").low, 1);
  EXPECT_EQ(made("seq:-5").low, -5);
  EXPECT_EQ(made("int:-1..9").from, kind::integer);
  EXPECT_EQ(made("int:-1..9").low, -1);
  EXPECT_EQ(made("int:-1..9").high, 9);
  EXPECT_EQ(made("zipf:1..9").exponent, 1);
  EXPECT_EQ(made("zipf:1..9^0.8").exponent, 0.8);
}

TEST(feeds, that_are_none_say_what_was_expected) {
  for (const char* text : {"", "n", "n=", "=seq", "1n=seq", "a b=seq", "n=seq:", "n=seq:x", "n=int:", "n=int:1",
                           "n=int:1..", "n=int:a..b", "n=int:1..2^3", "n=zipf:1..9^", "n=zipf:1..9^x"}) {
    const auto read = parse_feed(text);
    ASSERT_FALSE(read) << text;
    EXPECT_TRUE(read.error().starts_with("--feed \"" + std::string(text) + "\": expected NAME=SOURCE")) << text;
  }
  EXPECT_EQ(parse_feed("n=/no/such.csv:id").error(), "--feed n: /no/such.csv: no such file");
}

TEST(feeds, fill_in_only_what_they_are_named_for) {
  const feed_map feeds{{"id", {}}};
  EXPECT_EQ(template_of("/a/{id}/{other}?{}", feeds), "/a/{id}/{{other}}?{{}}");
  EXPECT_EQ(template_of(R"({"a":{"id":{id}}})", feeds), R"({{"a":{{"id":{id}}}}})");
  EXPECT_EQ(template_of("{{id}}", feeds), "{{{id}}}");
  EXPECT_EQ(template_of("{id", feeds), "{{id");
}

load_options with_feed(const std::string& url, const std::string& feed) {
  load_options options;
  options.url = url;
  options.seed = 3;
  options.feeds.insert(parse_feed(feed).value());
  return options;
}

std::string rendered(const load_options& options, arrival_number at) {
  const auto plan = normalize(options);
  EXPECT_TRUE(plan) << plan.error();
  if (!plan) return "";
  request_source::draft scratch;
  return std::string(workload_of(*plan).requests.render(0, at, scratch));
}

TEST(feeds, make_a_template_of_the_url_its_headers_and_its_body) {
  load_options options = with_feed("http://a:1/items/{id}?q={x}", "id=seq:10");
  options.method = "POST";
  options.headers = {{"X-Id", "<{id}>"}};
  options.body = R"({"id":{id}})";
  EXPECT_EQ(rendered(options, {}),
            "POST /items/10?q={x} HTTP/1.1\r\nHost: a:1\r\nX-Id: <10>\r\nContent-Length: 9\r\n\r\n{\"id\":10}");
}

TEST(feeds, a_sequence_never_repeats_over_the_threads) {
  const load_options options = with_feed("http://a/{id}", "id=seq");
  std::set<std::string> targets;
  for (unsigned thread = 0; thread < 3; ++thread) {
    for (std::uint64_t k = 0; k < 50; ++k) targets.insert(rendered(options, {.thread = thread, .k = k, .threads = 3}));
  }
  EXPECT_EQ(targets.size(), 150U);
  EXPECT_TRUE(targets.contains("GET /150 HTTP/1.1\r\nHost: a\r\n\r\n"));
}

TEST(feeds, that_nobody_uses_are_a_mistake) {
  EXPECT_EQ(normalize(with_feed("http://a/{i}", "id=seq")).error(), "--feed id: no request carries {id}");
}

TEST(requests, bring_the_path_and_take_the_headers) {
  load_options options = with_feed("http://a", "id=seq");
  options.headers = {{"Authorization", "{secret}"}, {"X", "theirs"}};
  options.routes = {{.name = "one", .method = "GET", .target = "/{id}", .weight = 3, .headers = {{"x", "mine"}}},
                    {.name = "two", .method = "DELETE", .target = "/x", .expected = {404}}};
  ASSERT_TRUE(options.checks.add("status=200"));
  const auto plan = normalize(options);
  ASSERT_TRUE(plan) << plan.error();
  const workload work = workload_of(*plan);
  ASSERT_EQ(work.requests.size(), 2U);
  EXPECT_EQ(work.requests[0].share, 0.75);
  request_source::draft scratch;
  EXPECT_EQ(work.requests.render(0, {}, scratch),
            "GET /1 HTTP/1.1\r\nHost: a\r\nx: mine\r\nAuthorization: {secret}\r\n\r\n");
  EXPECT_TRUE(work.requests[0].expected[200]);
  EXPECT_FALSE(work.requests[0].expected[201]);
  EXPECT_FALSE(work.requests[1].expected[200]) << "what a route says itself goes before --check";
  EXPECT_TRUE(work.requests[1].expected[404]);
}

TEST(requests, that_cannot_be_sent_are_named) {
  load_options options;
  options.url = "http://a/path";
  options.routes = {{.name = "one", .method = "GET", .target = "/"}};
  EXPECT_EQ(normalize(options).error(),
            "URL \"http://a/path\": expected http://HOST[:PORT], the requests bring the path");
  options.url = "http://a/";
  options.routes[0].target = "/{id}";
  EXPECT_EQ(normalize(options).error(), "route \"one\": {id}: expected a value for it");
  options.routes.assign(max_routes + 1, {.name = "one", .method = "GET", .target = "/"});
  EXPECT_TRUE(normalize(options).error().starts_with("257 different requests in 1 stage(s): expected at most 256"));
}

}  // namespace
}  // namespace assay::load
