// The pure parts of the shop; all else is conformance.yaml against the running service.
#include <gtest/gtest.h>

#include <string>

#include "subjects/shop/cpp/metrics.hpp"
#include "subjects/shop/cpp/order_body.hpp"
#include "subjects/shop/cpp/replies.hpp"
#include "subjects/shop/cpp/sha256.hpp"

namespace shop {
namespace {

TEST(order_body_test, lines_come_by_ascending_item) {
  const auto order =
      parse_order(R"({"customer":"Zoë","lines":[{"item_id":9,"quantity":10},{"item_id":2,"quantity":1}]})");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->customer, "Zoë");
  ASSERT_EQ(order->lines.size(), 2u);
  EXPECT_EQ(order->lines[0].item_id, 2);
  EXPECT_EQ(order->lines[1].quantity, 10);
}

TEST(order_body_test, what_is_no_order_is_refused) {
  const std::string line = R"({"item_id":1,"quantity":1})";
  for (const std::string& bad : {
           std::string(),
           std::string("{"),
           std::string("[]"),
           std::string("\xff"),
           std::string(10'000, '['),
           R"({"customer":"A","lines":[]})" + std::string("x"),
           R"({"lines":[)" + line + "]}",
           R"({"customer":"","lines":[)" + line + "]}",
           R"({"customer":"a\u0000b","lines":[)" + line + "]}",
           R"({"customer":")" + std::string(65, 'x') + R"(","lines":[)" + line + "]}",
           R"({"customer":"A","lines":[)" + line + "," + line + "]}",
           std::string(R"({"customer":"A","lines":[{"item_id":18446744073709551615,"quantity":1}]})"),
           std::string(R"({"customer":"A","lines":[{"item_id":4294967297,"quantity":1}]})"),
           std::string(R"({"customer":"A","lines":[{"item_id":1,"quantity":true}]})"),
           std::string(R"({"customer":"A","lines":[{"item_id":1,"quantity":1.0}]})"),
           std::string(R"({"customer":"A","lines":[{"item_id":1,"quantity":11}]})"),
       }) {
    EXPECT_FALSE(parse_order(bad)) << bad;
  }
}

TEST(uuid_test, only_the_usual_form_is_one) {
  EXPECT_TRUE(is_uuid("c0ffee00-0000-4000-8000-00000000000A"));
  for (const char* bad : {"", "c0ffee00-0000-4000-8000-00000000000", "c0ffee0000004000800000000000000a0000",
                          "{0ffee00-0000-4000-8000-00000000000}", "c0ffee00-0000-4000-8000-00000000000g"}) {
    EXPECT_FALSE(is_uuid(bad)) << bad;
  }
}

TEST(sha256_test, one_hasher_hashes_again_and_again) {
  sha256 hasher;
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(hex(hasher.of("abc")), abc);
  EXPECT_EQ(hex(hasher.of("a", "bc")), abc);
}

TEST(replies_test, text_is_escaped_as_json_needs_it) {
  std::string json;
  append_text(json, "a\"b\\c\n\x01 \xc3\xa9");
  EXPECT_EQ(json, "\"a\\\"b\\\\c\\u000a\\u0001 \xc3\xa9\"");
}

TEST(metrics_test, each_method_route_and_status_counts_for_itself) {
  metrics counted;
  counted.count(assay::http::method::get, "/items", 200);
  counted.count(assay::http::method::get, "/items", 200);
  counted.count(assay::http::method::get, "/items", 400);
  std::string text;
  counted.append_to(text);
  EXPECT_NE(text.find("http_requests_total{method=\"GET\",route=\"/items\",status=\"200\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("http_requests_total{method=\"GET\",route=\"/items\",status=\"400\"} 1\n"), std::string::npos);
}

}  // namespace
}  // namespace shop
