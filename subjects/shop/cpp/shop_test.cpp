// The pure parts of the shop; all else is conformance.yaml against the running service.
#include <gtest/gtest.h>

#include <string>

#include "subjects/shop/cpp/shop.hpp"

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

TEST(checksum_test, is_sha256_and_two_hundred_rounds_of_it) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(checksum_of("abc"),
            R"({"sha256":"a4fb9d986496fdcf0a5d4b574dce619c83eadc4fca944e1ab1c145059c1a2bc0","bytes":3})");
}

}  // namespace
}  // namespace shop
