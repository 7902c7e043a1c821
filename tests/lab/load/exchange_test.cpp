// What exchanges of a thread share, apart from any connection: answers to be read again and again.
#include "lab/load/exchange.hpp"

#include <gtest/gtest.h>

#include <string>

namespace assay::load {
namespace {

const std::string plain_head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";

TEST(last_head, is_found_by_the_very_same_bytes_only) {
  last_head known;
  EXPECT_EQ(known.find(plain_head, http::method::get), nullptr);
  known.keep(plain_head, http::method::get, {.status = 200, .keep_alive = true, .body = {http::body_kind::length, 2}});
  const read_head* const again = known.find(std::string(plain_head), http::method::get);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->status, 200);
  EXPECT_EQ(again->body.length, 2U);
  EXPECT_EQ(known.find("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", http::method::get), nullptr);
  EXPECT_EQ(known.find(plain_head.substr(0, plain_head.size() - 2), http::method::get), nullptr);
}

TEST(last_head, of_another_method_is_another) {
  last_head known;
  known.keep(plain_head, http::method::get, {.status = 200, .body = {http::body_kind::length, 2}});
  EXPECT_EQ(known.find(plain_head, http::method::head), nullptr) << "its answer has no body";
}

TEST(last_head, that_is_large_is_not_kept_and_does_not_pass_for_the_one_before) {
  last_head known;
  known.keep(plain_head, http::method::get, {.status = 200});
  const std::string large = "HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x') + "\r\n\r\n";
  known.keep(large, http::method::get, {.status = 201});
  EXPECT_EQ(known.find(large, http::method::get), nullptr);
  ASSERT_NE(known.find(plain_head, http::method::get), nullptr);
  EXPECT_EQ(known.find(plain_head, http::method::get)->status, 200);
}

}  // namespace
}  // namespace assay::load
