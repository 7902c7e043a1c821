// The extensions field, and what both sides make of permessage-deflate's parameters.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/http/websocket/extension.hpp"
#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {
namespace {

std::optional<std::vector<extension>> parse(std::vector<std::string_view> values) {
  http::header_list headers;
  for (const std::string_view each : values) {
    EXPECT_TRUE(headers.push_back({.name = "Sec-WebSocket-Extensions", .value = each}));
  }
  return parse_extensions(headers);
}

constexpr deflate_options enabled{.enabled = true};
constexpr deflate_options keeping{.enabled = true, .context_takeover = true};

// The server's answer; "none" when it accepts nothing.
std::string answer_to(std::string_view offer, const deflate_options& options = enabled) {
  const auto offers = parse({offer});
  if (!offers) return "malformed";
  const auto chosen = choose_deflate(*offers, options);
  return chosen ? chosen->answer : "none";
}

// "bits/bits kept/fresh" of sending and receiving, or the refusal.
std::string meaning_of(std::string_view answer, const deflate_options& options = enabled) {
  const auto parsed = answer.empty() ? parse({}) : parse({answer});
  if (!parsed) return "malformed";
  const auto agreed = deflate_answer(*parsed, options);
  if (!agreed) return agreed.error();
  if (!*agreed) return "none";
  const auto side = [](int bits, bool takeover) { return std::to_string(bits) + (takeover ? " kept" : " fresh"); };
  return "send " + side((*agreed)->send_window_bits, (*agreed)->send_takeover) + ", receive " +
         side((*agreed)->receive_window_bits, (*agreed)->receive_takeover);
}

TEST(websocket_extension, the_grammar) {
  const auto all = parse({"foo, bar; baz=2; flag", "permessage-deflate;client_max_window_bits = \"10\" "});
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0].name, "foo");
  EXPECT_TRUE((*all)[0].parameters.empty());
  EXPECT_EQ((*all)[1].parameters[0].value, "2");
  EXPECT_EQ((*all)[1].parameters[1].name, "flag");
  EXPECT_EQ((*all)[1].parameters[1].value, std::nullopt);
  EXPECT_EQ((*all)[2].parameters[0].value, "10");
  EXPECT_TRUE(parse({})->empty());
}

TEST(websocket_extension, what_does_not_fit_the_grammar_is_malformed) {
  for (const std::string_view bad :
       {"", ",", "foo,", ",foo", "foo;", "foo;;bar", "foo bar", "foo;=1", "foo;a=", "foo;a=\"", "foo;a=\"\"",
        "foo;a=\"b c\"", "foo;a=\"b\\c\"", "foo;a=b=c", "foo;a=\"b\"c", "\"foo\"", "foo;a b"}) {
    EXPECT_FALSE(parse({bad})) << bad;
  }
}

TEST(websocket_extension, off_unless_enabled) {
  EXPECT_EQ(answer_to("permessage-deflate", {}), "none");
  EXPECT_EQ(answer_to("permessage-deflate"),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

TEST(websocket_extension, a_server_grants_windows_no_larger_than_its_own) {
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits", keeping),
            "permessage-deflate; client_max_window_bits=12");
  EXPECT_EQ(answer_to("permessage-deflate; client_max_window_bits=9; server_max_window_bits=10", keeping),
            "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9");
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=15", keeping),
            "permessage-deflate; server_max_window_bits=12");
  EXPECT_EQ(answer_to("permessage-deflate; server_max_window_bits=8", keeping),
            "permessage-deflate; server_max_window_bits=8");
  EXPECT_EQ(answer_to("permessage-deflate; server_no_context_takeover", keeping),
            "permessage-deflate; server_no_context_takeover");
}

TEST(websocket_extension, a_server_takes_the_first_offer_that_it_understands) {
  EXPECT_EQ(answer_to("x-webkit-deflate-frame, permessage-deflate; unknown, permessage-deflate", keeping),
            "permessage-deflate");
  for (const std::string_view declined :
       {"permessage-deflate; unknown", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=08", "permessage-deflate; server_max_window_bits=+9",
        "permessage-deflate; client_max_window_bits=1x", "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "permessage-snappy"}) {
    EXPECT_EQ(answer_to(declined), "none") << declined;
  }
}

TEST(websocket_extension, what_a_client_offers) {
  EXPECT_EQ(deflate_offer(enabled),
            "permessage-deflate; client_max_window_bits; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(deflate_offer(keeping), "permessage-deflate; client_max_window_bits; server_max_window_bits=12");
  EXPECT_EQ(deflate_offer({.enabled = true, .context_takeover = true, .max_window_bits = 15}),
            "permessage-deflate; client_max_window_bits");
}

TEST(websocket_extension, what_a_server_s_answer_means_to_a_client) {
  EXPECT_EQ(meaning_of(""), "none");
  EXPECT_EQ(meaning_of("permessage-deflate; server_no_context_takeover"), "send 12 fresh, receive 15 fresh");
  EXPECT_EQ(meaning_of("permessage-deflate; server_max_window_bits=10", keeping), "send 12 kept, receive 10 kept");
  EXPECT_EQ(meaning_of("permessage-deflate; server_max_window_bits=10; client_max_window_bits=9; "
                       "client_no_context_takeover; server_no_context_takeover",
                       keeping),
            "send 9 fresh, receive 10 fresh");
}

TEST(websocket_extension, a_client_refuses_what_it_did_not_offer_or_gets_less_of) {
  const std::string less = "the server granted less of permessage-deflate than was asked for";
  const std::string foreign = "the server chose an extension that was not offered";
  const std::string malformed = "the server's parameters of permessage-deflate are malformed";
  EXPECT_EQ(meaning_of("permessage-deflate"), less);
  EXPECT_EQ(meaning_of("permessage-deflate", keeping), less);
  EXPECT_EQ(meaning_of("permessage-deflate; server_max_window_bits=13", keeping), less);
  EXPECT_EQ(meaning_of("permessage-deflate", {}), foreign);
  EXPECT_EQ(meaning_of("permessage-deflate, permessage-deflate", keeping), foreign);
  EXPECT_EQ(meaning_of("foo", keeping), foreign);
  EXPECT_EQ(meaning_of("permessage-deflate; client_max_window_bits", keeping), malformed);
  EXPECT_EQ(meaning_of("permessage-deflate; unknown", keeping), malformed);
}

TEST(websocket_extension, both_sides_understand_the_same) {
  for (const bool client_keeps : {false, true}) {
    for (const bool server_keeps : {false, true}) {
      for (const int client_bits : {9, 12, 15}) {
        for (const int server_bits : {9, 12, 15}) {
          const deflate_options client{
              .enabled = true, .context_takeover = client_keeps, .max_window_bits = client_bits};
          const deflate_options server{
              .enabled = true, .context_takeover = server_keeps, .max_window_bits = server_bits};
          const std::string offer = deflate_offer(client);
          const auto accepted = choose_deflate(*parse({offer}), server);
          ASSERT_TRUE(accepted) << offer;
          const auto agreed = deflate_answer(*parse({accepted->answer}), client);
          ASSERT_TRUE(agreed && *agreed) << accepted->answer;
          // Each can read what the other may send.
          EXPECT_LE((*agreed)->send_window_bits, accepted->agreed.receive_window_bits) << accepted->answer;
          EXPECT_LE(accepted->agreed.send_window_bits, (*agreed)->receive_window_bits) << accepted->answer;
          EXPECT_TRUE(accepted->agreed.receive_takeover || !(*agreed)->send_takeover) << accepted->answer;
          EXPECT_TRUE((*agreed)->receive_takeover || !accepted->agreed.send_takeover) << accepted->answer;
        }
      }
    }
  }
}

}  // namespace
}  // namespace assay::websocket::testing
