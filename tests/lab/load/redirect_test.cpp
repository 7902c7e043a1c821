// Where a redirect leads, and what is sent there.
#include "lab/load/redirect.hpp"

#include <gtest/gtest.h>

#include "stack/http/client.hpp"

namespace assay::load {
namespace {

std::string led(std::string_view location, std::string_view target = "/a/b?x=1", std::string_view host = "shop:8080") {
  return target_of(location, host, target).value_or("elsewhere");
}

TEST(redirect, is_resolved_against_the_target) {
  EXPECT_EQ(led("/c"), "/c");
  EXPECT_EQ(led("c"), "/a/c");
  EXPECT_EQ(led("./c?y=2"), "/a/c?y=2");
  EXPECT_EQ(led("../c/d"), "/c/d");
  EXPECT_EQ(led("../../../c"), "/c") << "there is nothing above the root";
  EXPECT_EQ(led(".."), "/");
  EXPECT_EQ(led("."), "/a/");
  EXPECT_EQ(led("?y=2"), "/a/b?y=2");
  EXPECT_EQ(led("#part"), "/a/b?x=1");
  EXPECT_EQ(led("/c#part"), "/c");
  EXPECT_EQ(led("  /c \t"), "/c");
  EXPECT_EQ(led("/c?u=http://other/#x"), "/c?u=http://other/");
  EXPECT_EQ(led("/a/./b/../c/"), "/a/c/");
}

TEST(redirect, stays_at_its_origin) {
  EXPECT_EQ(led("http://shop:8080/c"), "/c");
  EXPECT_EQ(led("HTTP://SHOP:8080"), "/");
  EXPECT_EQ(led("http://shop:8080?y=2"), "/?y=2");
  EXPECT_EQ(led("//shop:8080/c"), "/c");
  EXPECT_EQ(led("http://shop/c", "/", "shop:80"), "/c") << "the default port";
  for (const char* away :
       {"http://shop/c", "http://shop:8081/c", "https://shop:8080/c", "http://other:8080/c", "//other/c", "mailto:a@b",
        "http:c", "http://user@shop:8080/c", "/c d", "/c\x01", "/\xc3\xa4"}) {
    EXPECT_EQ(led(away), "elsewhere") << away;
  }
}

struct chains : ::testing::Test {
  std::string bytes(const http::client_request& request) const {
    std::string made;
    http::append_request(made, request, "shop:8080");
    return made;
  }
  std::string first(const http::client_request& request, int status) const {
    redirect_chain chain(bytes(request), http::method_from(request.verb), 1);
    answer got{.status = status};
    return chain.next(got, "/new") ? std::string(chain.request()) : "it is the last";
  }
  const http::client_request order{
      .verb = "POST", .target = "/old", .headers = {{"X-A", "1"}, {"Content-Type", "text/plain"}}, .body = "two"};
};

TEST_F(chains, go_on_as_a_get_after_a_post) {
  for (const int status : {301, 302, 303}) {
    EXPECT_EQ(first(order, status), "GET /new HTTP/1.1\r\nHost: shop:8080\r\nX-A: 1\r\n\r\n") << status;
  }
  for (const int status : {307, 308}) {
    EXPECT_EQ(first(order, status), bytes({.verb = "POST", .target = "/new", .headers = order.headers, .body = "two"}));
  }
  const http::client_request put{.verb = "PUT", .target = "/old", .body = "two"};
  EXPECT_TRUE(first(put, 302).starts_with("PUT /new ")) << "a POST alone";
  EXPECT_EQ(first(put, 303), "GET /new HTTP/1.1\r\nHost: shop:8080\r\n\r\n");
  EXPECT_EQ(first({.verb = "HEAD", .target = "/old"}, 303), "HEAD /new HTTP/1.1\r\nHost: shop:8080\r\n\r\n");
}

TEST_F(chains, know_what_no_redirect_is) {
  for (const int status : {200, 300, 304, 305, 404}) EXPECT_EQ(first(order, status), "it is the last") << status;
  redirect_chain chain(bytes(order), http::method::post, 1);
  answer got{.status = 302};
  EXPECT_FALSE(chain.next(got, "")) << "without a Location it is an answer like any other";
  EXPECT_FALSE(got.failed_check);
}

TEST_F(chains, end_at_their_limit_and_at_their_origin) {
  redirect_chain chain(bytes({.target = "/0"}), http::method::get, 2);
  answer got{.status = 302};
  EXPECT_TRUE(chain.next(got, "/1"));
  EXPECT_TRUE(chain.next(got, "/1")) << "a loop is no other than a long chain";
  EXPECT_EQ(chain.target(), "/1");
  EXPECT_FALSE(chain.next(got, "/1"));
  EXPECT_EQ(got.failed_check, failure_kind::redirects);
  redirect_chain away(bytes({.target = "/0"}), http::method::get, 2);
  got = {.status = 302};
  EXPECT_FALSE(away.next(got, "https://shop:8080/1"));
  EXPECT_EQ(got.failed_check, failure_kind::redirect_elsewhere);
}

TEST_F(chains, take_other_cookies) {
  redirect_chain chain(bytes({.target = "/0", .headers = {{"Cookie", "a=1"}, {"X-A", "1"}}}), http::method::get, 1);
  chain.set_cookies("Cookie: a=2\r\n");
  EXPECT_EQ(chain.request(), "GET /0 HTTP/1.1\r\nCookie: a=2\r\nHost: shop:8080\r\nX-A: 1\r\n\r\n");
  chain.set_cookies("");
  EXPECT_EQ(chain.request(), "GET /0 HTTP/1.1\r\nHost: shop:8080\r\nX-A: 1\r\n\r\n");
}

}  // namespace
}  // namespace assay::load
