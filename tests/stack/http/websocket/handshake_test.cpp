// The opening handshake: what is one, what is not, and why.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/http/parser.hpp"
#include "stack/http/websocket/handshake.hpp"
#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::string_view example_key = "dGhlIHNhbXBsZSBub25jZQ==";  // RFC 6455 section 1.3
constexpr std::string_view example_accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

// A handshake with some of its fields exchanged, or, where `with` is empty, left out.
std::string request(std::vector<std::pair<std::string, std::string>> changes = {},
                    std::string_view start = "GET /chat HTTP/1.1") {
  std::vector<std::pair<std::string, std::string>> fields = {{"Host", "server.example.com"},
                                                             {"Upgrade", "websocket"},
                                                             {"Connection", "Upgrade"},
                                                             {"Sec-WebSocket-Key", std::string(example_key)},
                                                             {"Sec-WebSocket-Version", "13"}};
  for (const auto& [name, value] : changes) {
    if (value.empty()) {
      std::erase_if(fields, [&name](const auto& field) { return field.first == name; });
      continue;
    }
    const auto known = std::ranges::find(fields, name, [](const auto& field) { return field.first; });
    if (known == fields.end()) {
      fields.emplace_back(name, value);
    } else {
      known->second = value;
    }
  }
  std::string text = std::string(start) + "\r\n";
  for (const auto& [name, value] : fields) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

http::request_head parsed(const std::string& text) {
  http::request_head head;
  EXPECT_TRUE(http::parse_request_head(text, {}, head)) << text;
  return head;
}

// 101 when it is a handshake.
int status_of(const std::string& text) {
  const http::request_head head = parsed(text);
  const auto asked = check_request(head);
  return asked ? 101 : asked.error().status;
}

TEST(websocket_handshake, the_example_of_the_rfc) {
  EXPECT_EQ(accept_key(example_key), example_accept);
  const std::string text = request();
  const http::request_head head = parsed(text);
  const auto asked = check_request(head);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->key, example_key);
  EXPECT_THAT(asked->protocols, IsEmpty());
  EXPECT_TRUE(asked->extensions.empty());
}

TEST(websocket_handshake, fields_are_lists_and_their_case_does_not_matter) {
  EXPECT_EQ(status_of(request({{"Upgrade", "h2c, WebSocket"}})), 101);
  EXPECT_EQ(status_of(request({{"Connection", "keep-alive, upgrade"}})), 101);
}

TEST(websocket_handshake, what_is_none_is_answered_with_426) {
  EXPECT_EQ(status_of(request({{"Upgrade", ""}})), 426);
  EXPECT_EQ(status_of(request({{"Upgrade", "h2c"}})), 426);
  EXPECT_EQ(status_of(request({{"Connection", ""}})), 426);
  EXPECT_EQ(status_of(request({{"Connection", "keep-alive"}})), 426);
  EXPECT_EQ(status_of(request({}, "POST /chat HTTP/1.1")), 426);
  EXPECT_EQ(status_of(request({}, "GET /chat HTTP/1.0")), 426);
}

TEST(websocket_handshake, another_version_is_answered_with_426) {
  for (const std::string_view version : {"", "8", "0", "14", "13, 8", "013"}) {
    EXPECT_EQ(status_of(request({{"Sec-WebSocket-Version", std::string(version)}})), 426) << version;
  }
}

TEST(websocket_handshake, a_key_is_16_bytes_in_base64) {
  for (const std::string_view key : {"", "short", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ",
                                     "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZQAA",
                                     "dGhlIHNhbXBsZSBub25jZQ==, x"}) {
    EXPECT_EQ(status_of(request({{"Sec-WebSocket-Key", std::string(key)}})), 400) << key;
  }
}

TEST(websocket_handshake, a_key_stands_there_once) {
  std::string twice = request();
  twice.insert(twice.size() - 2, "Sec-WebSocket-Key: " + std::string(example_key) + "\r\n");
  EXPECT_EQ(status_of(twice), 400);
}

TEST(websocket_handshake, a_handshake_has_no_body) {
  EXPECT_EQ(status_of(request({{"Content-Length", "5"}})), 400);
  EXPECT_EQ(status_of(request({{"Content-Length", "0"}})), 101);
  EXPECT_EQ(status_of(request({{"Transfer-Encoding", "chunked"}})), 400);
}

TEST(websocket_handshake, subprotocols_are_distinct_tokens) {
  const std::string text = request({{"Sec-WebSocket-Protocol", "chat.v1, chat.v2"}});
  const http::request_head head = parsed(text);
  const auto asked = check_request(head);
  ASSERT_TRUE(asked);
  EXPECT_THAT(asked->protocols, ElementsAre("chat.v1", "chat.v2"));
  for (const std::string_view bad : {"chat,", "a b", "chat, chat", "a;b", "\"a\""}) {
    EXPECT_EQ(status_of(request({{"Sec-WebSocket-Protocol", std::string(bad)}})), 400) << bad;
  }
  EXPECT_EQ(choose_protocol({"chat.v2", "chat.v1"}, asked->protocols), "chat.v2");
  EXPECT_EQ(choose_protocol({"chat.v3"}, asked->protocols), "");
  EXPECT_EQ(choose_protocol({}, asked->protocols), "");
}

TEST(websocket_handshake, a_malformed_list_of_extensions_is_answered_with_400) {
  EXPECT_EQ(status_of(request({{"Sec-WebSocket-Extensions", "permessage-deflate;"}})), 400);
  EXPECT_EQ(status_of(request({{"Sec-WebSocket-Extensions", "unknown; a=1"}})), 101);
}

TEST(websocket_handshake, an_origin_is_that_of_the_host_or_none) {
  const auto allowed = [](std::string_view origin, std::string_view host = "shop.example") {
    const std::string text = request({{"Host", std::string(host)}, {"Origin", std::string(origin)}});
    return same_origin(parsed(text));
  };
  EXPECT_TRUE(allowed(""));
  EXPECT_TRUE(allowed("https://shop.example"));
  EXPECT_TRUE(allowed("https://SHOP.example"));
  EXPECT_TRUE(allowed("http://shop.example:8080", "shop.example:8080"));
  EXPECT_FALSE(allowed("http://shop.example:8080"));
  EXPECT_FALSE(allowed("https://evil.example"));
  EXPECT_FALSE(allowed("https://shop.example.evil.example"));
  EXPECT_FALSE(allowed("https://evil.example/shop.example"));
  EXPECT_FALSE(allowed("null"));
  EXPECT_FALSE(allowed("shop.example"));
}

TEST(websocket_handshake, keys_are_well_formed_and_never_the_same) {
  const std::string first = random_key();
  EXPECT_EQ(status_of(request({{"Sec-WebSocket-Key", first}})), 101);
  EXPECT_NE(first, random_key());
}

// --- a server's answer ---

std::string granted(const std::string& more_fields, const handshake_offer& offer = {.key = std::string(example_key)},
                    std::string_view accept = example_accept) {
  const std::string text =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      std::string(accept) + "\r\n" + more_fields + "\r\n";
  http::response_head head;
  EXPECT_TRUE(http::parse_response_head(text, http::method::get, {}, head)) << text;
  const auto got = check_answer(head, offer);
  return got ? "granted " + got->protocol : got.error();
}

TEST(websocket_handshake, an_answer_proves_that_the_key_was_read) {
  EXPECT_EQ(granted(""), "granted ");
  EXPECT_EQ(granted("", {.key = std::string(example_key)}, "AAAALMBiTxaQ9kYGzzhZRbK+xOo="),
            "the server's Sec-WebSocket-Accept does not answer our key");
  EXPECT_EQ(granted("Sec-WebSocket-Accept: x\r\n"), "the server's Sec-WebSocket-Accept does not answer our key");
}

TEST(websocket_handshake, an_answer_grants_what_was_offered_and_nothing_else) {
  const handshake_offer offer{.key = std::string(example_key), .protocols = {"a", "b"}};
  EXPECT_EQ(granted("Sec-WebSocket-Protocol: b\r\n", offer), "granted b");
  EXPECT_EQ(granted("", offer), "granted ");
  const std::string foreign = "the server chose a subprotocol that was not offered";
  EXPECT_EQ(granted("Sec-WebSocket-Protocol: c\r\n", offer), foreign);
  EXPECT_EQ(granted("Sec-WebSocket-Protocol: a, b\r\n", offer), foreign);
  EXPECT_EQ(granted("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: b\r\n", offer), foreign);
  EXPECT_EQ(granted("Sec-WebSocket-Extensions: permessage-deflate\r\n"),
            "the server chose an extension that was not offered");
  EXPECT_EQ(granted("Sec-WebSocket-Extensions: ;\r\n"), "the server's Sec-WebSocket-Extensions is malformed");
}

TEST(websocket_handshake, an_answer_switches_to_websocket) {
  const std::string text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";
  http::response_head head;
  ASSERT_TRUE(http::parse_response_head(text, http::method::get, {}, head));
  EXPECT_FALSE(check_answer(head, {.key = std::string(example_key)}));
}

}  // namespace
}  // namespace assay::websocket::testing
