#include "lab/learn/line/target.hpp"

#include "lab/learn/line/shape.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::learn {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(target, segments) {
  EXPECT_THAT(split("/")->segments, IsEmpty());
  EXPECT_THAT(split("/items/17")->segments, ElementsAre("items", "17"));
  EXPECT_THAT(split("/items/")->segments, ElementsAre("items", ""));
  EXPECT_THAT(split("//a")->segments, ElementsAre("", "a"));
  EXPECT_THAT(split("/a;jsessionid=1F/b")->segments, ElementsAre("a", "b"));
  EXPECT_THAT(split("/a#b/c")->segments, ElementsAre("a"));
  EXPECT_THAT(split("http://shop.example:80/items?x=1")->segments, ElementsAre("items"));
  EXPECT_THAT(split("https://shop.example")->segments, IsEmpty());
  EXPECT_THAT(split("/r?to=http://b/c")->segments, ElementsAre("r"));
}

TEST(target, one_spelling) {
  EXPECT_THAT(split("/a b/{id}/caf\xe9\"\\")->segments, ElementsAre("a%20b", "%7Bid%7D", "caf%E9%22%5C"));
  EXPECT_EQ(split("/" + std::string(1000, 'x'))->segments[0].size(), max_segment_bytes);
}

TEST(target, escapes_are_of_one_spelling_too) {
  EXPECT_THAT(split("/caf%c3%a9/%7Euser/a%2fb/100%/%zz%4")->segments,
              ElementsAre("caf%C3%A9", "~user", "a%2Fb", "100%25", "%25zz%254"));
  EXPECT_THAT(split("/%%341/%7b%7D")->segments, ElementsAre("%2541", "%7B%7D")) << "once, and not again";
  EXPECT_THAT(split("/?caf%c3%a9=1&caf%C3%A9=2")->query_keys, ElementsAre("caf%C3%A9"));
}

TEST(target, is_used_again) {
  split_target to;
  ASSERT_TRUE(split("/a/b?c=d&c=e&f", to));
  EXPECT_THAT(to.segments, ElementsAre("a", "b"));
  EXPECT_THAT(to.query_keys, ElementsAre("c", "f"));
  ASSERT_TRUE(split("/x", to));
  EXPECT_THAT(to.segments, ElementsAre("x"));
  EXPECT_THAT(to.query_keys, IsEmpty());
  std::string widest;
  for (std::size_t i = 0; i < max_segments; ++i) widest += "/" + std::string(500, ' ');
  widest += '?';
  for (std::size_t i = 0; i < 2 * max_query_keys; ++i) widest += std::to_string(i) + std::string(500, ' ') + "&";
  ASSERT_TRUE(split(widest, to));
  split_target moved = std::move(to);
  EXPECT_EQ(moved.segments.size(), max_segments);
  EXPECT_EQ(moved.query_keys.size(), max_query_keys);
  EXPECT_TRUE(moved.segments.back().ends_with("%20%20"));
}

TEST(target, query_keys) {
  EXPECT_THAT(split("/i?category=books&page=2&page=3&flag&=x&")->query_keys, ElementsAre("category", "page", "flag"));
  EXPECT_THAT(split("/?q=a/b")->query_keys, ElementsAre("q"));
  EXPECT_THAT(split("/?q=a/b")->segments, IsEmpty());
}

TEST(target, no_path) {
  for (const auto* none : {"*", "shop.example:443", "", "ftp://x/y"}) EXPECT_FALSE(split(none)) << none;
  std::string deep;
  for (std::size_t i = 0; i <= max_segments; ++i) deep += "/a";
  EXPECT_FALSE(split(deep));
  EXPECT_TRUE(split(deep.substr(2)));
}

TEST(shapes, by_their_characters) {
  const std::initializer_list<std::pair<const char*, shape>> cases = {
      {"17", shape::integer},
      {"-5", shape::integer},
      {"123456789012345678", shape::integer},
      {"550e8400-e29b-41d4-a716-446655440000", shape::uuid},
      {"550e8400-e29b-41d4-a716-44665544000g", shape::code},
      {"jane@example.com", shape::email},
      {"jane.doe%40mail.example.org", shape::email},
      {"@jane", shape::text},
      {"192.0.2.1", shape::address},
      {"192.0.2.1:8080", shape::address},
      {"2001:db8::1", shape::address},
      {"%5B2001%3Adb8%3A%3Aff%5D", shape::address},
      {"1.2.3", shape::slug},
      {"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmN", shape::code},
      {"cus_9s6XKzkNRiz8i3", shape::code},
      {"ORD-2026-000471", shape::code},
      {"dGhpcy1pcyhYQ-x3rT", shape::code},
      {"getUserOrdersByCustomerId", shape::text},
      {"jquery-3.6.0.min.js", shape::slug},
      {"logstash-1.3.2-monolithic.jar", shape::slug},
      {"2026-11-23", shape::date},
      {"deadbeef01", shape::hex},
      {"507f1f77bcf86cd799439011", shape::hex},
      {"deadbeef", shape::text},
      {"my-first-post", shape::slug},
      {"sku4711", shape::slug},
      {"team%2Fshop", shape::slug},
      {"%C3%BCber-uns", shape::text},
      {"sign-in", shape::text},
      {"v2", shape::text},
      {"items", shape::text},
      {"", shape::text}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(label(classify(text)), label(expected)) << text;
}

TEST(shapes, letters_with_digits_and_escapes_are_like_values) {
  for (const auto* like : {"jane17", "9uYoBf9n", "v1beta1", "team%2Fshop", "%F0%9F%94%A5", "ip-10-0-1-2.internal"})
    EXPECT_TRUE(is_value_like(like)) << like;
  for (const auto* word : {"items", "v2", "terms-of-service", "chat.postMessage", "@me", ""})
    EXPECT_FALSE(is_value_like(word)) << word;
}

TEST(shapes, files_have_an_extension) {
  EXPECT_EQ(file_extension("site.min.css"), "css");
  EXPECT_EQ(file_extension("a.mp4"), "mp4");
  for (const auto* none : {"css", ".env", "a.", "v1.2", "a.b-c", "a.longest", "lib%2Fitem.rb"})
    EXPECT_EQ(file_extension(none), "") << none;
}

}  // namespace
}  // namespace assay::learn
