// A peer that reads slowly, or not at all: the queue is bounded, and what becomes of the rest is what was chosen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stack/runtime/delay.hpp"
#include "tests/stack/http/websocket/play.hpp"

namespace assay::websocket::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr std::size_t message_bytes = 10'000;
constexpr int message_count = 60;

std::string numbered(int number) {
  std::string payload = std::to_string(number) + " ";
  return payload.append(message_bytes - payload.size(), '.');
}

struct notes {
  std::vector<std::string> outcomes;  // of sending each
  std::size_t most_queued_bytes = 0;
  duration took = duration::zero();
  connection_counters counters;
};

task<void> send_many(notes* into, connection* peer) {
  const context& ctx = co_await this_context();
  const instant start = ctx.on->turn_time();
  for (int i = 0; i < message_count; ++i) {
    const result<void> sent = co_await peer->send(message_kind::text, numbered(i));
    into->outcomes.emplace_back(sent ? "sent" : label(sent.error().code));
    into->most_queued_bytes = std::max(into->most_queued_bytes, peer->queued_bytes());
  }
  into->took = ctx.on->turn_time() - start;
  into->counters = peer->counters();
  peer->close();
}

task<void> send_and_listen(notes* into, connection& peer) {
  scope sending(co_await this_context());
  sending.spawn(send_many(into, &peer));
  std::ignore = co_await peer.until_closed();
  std::ignore = co_await sending.join();
}

// A queue of 100 kB behind a network of 64 kB, before a client that reads from 10 s on.
report play_slow(notes& into, slow_reader when_slow, settings to = {}, duration read_from = 10s) {
  to.max_queued_bytes = 100'000;
  to.when_slow = when_slow;
  return play(
      {.serve = serving([&into] ASSAY_CORO_WRAPPER(connection & peer) { return send_and_listen(&into, peer); }, to),
       .clients = {{.pieces = {{0ms, opening()}, {read_from + 1s, close_from_client(1000)}}, .read_from = read_from}}});
}

std::vector<int> numbers_in(const seen& got) {
  std::vector<int> numbers;
  for (const std::string& each : got.frames) {
    if (!each.starts_with("text ")) continue;
    int number = -1;
    std::from_chars(each.data() + 5, each.data() + each.size(), number);
    numbers.push_back(number);
    EXPECT_EQ(each.size(), 5 + message_bytes);
  }
  return numbers;
}

TEST(websocket_slow_reader, waiting_slows_the_producer_down_and_loses_nothing) {
  notes told;
  const seen got = seen_by(play_slow(told, slow_reader::wait).clients[0]);
  EXPECT_THAT(told.outcomes, ::testing::Each("sent"));
  EXPECT_LE(told.most_queued_bytes, 100'000U);
  EXPECT_EQ(told.took, 10s);
  std::vector<int> all(message_count);
  for (int i = 0; i < message_count; ++i) all[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(numbers_in(got), all);
  EXPECT_EQ(got.frames.back(), "close 1000");
}

TEST(websocket_slow_reader, skipping_drops_what_does_not_fit_and_counts_it) {
  notes told;
  const seen got = seen_by(play_slow(told, slow_reader::skip, {.close_timeout = 20s}).clients[0]);
  EXPECT_EQ(told.took, 0s);
  EXPECT_LE(told.most_queued_bytes, 100'000U);
  const auto sent = static_cast<std::size_t>(std::ranges::count(told.outcomes, "sent"));
  EXPECT_EQ(std::ranges::count(told.outcomes, "limit"), message_count - std::ptrdiff_t(sent));
  EXPECT_EQ(told.counters.skipped, message_count - sent);
  EXPECT_EQ(told.counters.sent, sent);
  EXPECT_GE(sent, 9U);   // what the queue holds
  EXPECT_LE(sent, 17U);  // and the network
  const std::vector<int> numbers = numbers_in(got);
  EXPECT_EQ(numbers.size(), sent);
  EXPECT_TRUE(std::ranges::is_sorted(numbers));
  EXPECT_EQ(numbers.front(), 0);
}

TEST(websocket_slow_reader, closing_says_why_and_sends_what_was_queued) {
  for (const close_code code : {close_code::try_again_later, close_code::policy_violation}) {
    notes told;
    const seen got = seen_by(play_slow(told, slow_reader::close, {.slow_code = code}, 3s).clients[0]);
    const auto sent = static_cast<std::size_t>(std::ranges::count(told.outcomes, "sent"));
    EXPECT_EQ(std::ranges::count(told.outcomes, "limit"), 1);
    EXPECT_EQ(std::ranges::count(told.outcomes, "closed"), message_count - 1 - std::ptrdiff_t(sent));
    EXPECT_EQ(numbers_in(got).size(), sent);
    EXPECT_EQ(got.frames.back(), "close " + std::to_string(static_cast<unsigned>(code)) + " reading too slowly");
    EXPECT_EQ(got.ended_after, 4s);
  }
}

// The sockets that are open at two moments, before a client that reads nothing for a minute: its own, the listener's,
// and while the server holds on, the connection's.
std::pair<std::size_t, std::size_t> sockets_at(duration first, duration second, const session& talk, const settings& to,
                                               std::vector<piece> pieces) {
  std::pair<std::size_t, std::size_t> open;
  const report all =
      play({.serve = serving(talk, to),
            .clients = {{.pieces = std::move(pieces), .read_from = 60s}},
            .events = {{first, [&open](sim_io& network, loop&) { open.first = network.open_sockets(); }},
                       {second, [&open](sim_io& network, loop&) { open.second = network.open_sockets(); }}}});
  EXPECT_EQ(all.counters.timeouts(), 0U);  // of writing: that was not what ended it
  return open;
}

TEST(websocket_slow_reader, one_that_never_reads_is_gone_after_the_time_for_closing) {
  notes told;
  const auto session_of = [&told] ASSAY_CORO_WRAPPER(connection & peer) { return send_and_listen(&told, peer); };
  const settings to{.max_queued_bytes = 100'000, .when_slow = slow_reader::close};
  EXPECT_EQ(sockets_at(4900ms, 5100ms, session_of, to, {{0ms, opening()}}), std::pair(3UZ, 2UZ));
}

TEST(websocket_slow_reader, one_that_closes_and_does_not_read_is_given_as_long_for_our_last_words) {
  notes told;
  const auto session_of = [&told] ASSAY_CORO_WRAPPER(connection & peer) { return send_and_listen(&told, peer); };
  const settings to{.max_queued_bytes = 100'000};
  EXPECT_EQ(sockets_at(8900ms, 9100ms, session_of, to, {{0ms, opening()}, {4s, close_from_client(1000)}}),
            std::pair(3UZ, 2UZ));
}

TEST(websocket_slow_reader, one_that_never_reads_ends_the_wait_with_the_write_timeout) {
  notes told;
  const report all = play_slow(told, slow_reader::wait, {.write_timeout = 20s}, 60s);
  EXPECT_EQ(std::ranges::count(told.outcomes, "timed_out"), message_count - std::ranges::count(told.outcomes, "sent"));
  EXPECT_EQ(told.took, 20s);
  EXPECT_EQ(all.counters.timeouts(), 1U);
}

TEST(websocket_slow_reader, the_number_of_messages_is_bounded_as_well) {
  notes told;
  const report all = play_slow(told, slow_reader::skip, {.max_queued_messages = 3, .close_timeout = 20s});
  // One or two with the network, and three in the queue; the first send takes all of the first turn's along.
  EXPECT_LE(std::ranges::count(told.outcomes, "sent"), 12);
  EXPECT_GE(told.counters.skipped, 48U);
  EXPECT_TRUE(std::ranges::is_sorted(numbers_in(seen_by(all.clients[0]))));
}

task<void> send_too_much(std::vector<std::string>* into, connection& peer) {
  for (const std::size_t size : {100'001U, 99'986U}) {
    const result<void> sent = co_await peer.send(message_kind::binary, std::string(size, 'x'));
    into->emplace_back(sent ? "sent" : label(sent.error().code));
  }
  const result<void> bad = co_await peer.send(message_kind::text, "\xff");
  into->emplace_back(bad ? "sent" : label(bad.error().code));
}

TEST(websocket_slow_reader, what_can_never_be_sent_is_refused_at_once) {
  std::vector<std::string> told;
  const seen got =
      play_client(serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return send_too_much(&told, peer); },
                          {.max_queued_bytes = 100'000}),
                  {{0ms, opening()}, {1s, close_from_client(1000)}});
  EXPECT_THAT(told, ElementsAre("limit", "sent", "invalid_argument"));
  EXPECT_THAT(got.frames, ElementsAre("binary " + std::string(99'986, 'x'), "close 1000"));
}

// --- waiting in line ---

task<void> send_one(std::vector<std::string>* into, connection* peer, std::string name, duration patience) {
  const context& ctx = co_await this_context();
  const instant start = ctx.on->turn_time();
  std::string payload = name;
  payload.append(message_bytes - payload.size(), '.');
  const auto send = [](connection* to, const std::string& text) -> task<result<void>> {
    co_return co_await to->send(message_kind::text, text);
  };
  const result<void> sent = co_await with_deadline(start + patience, send(peer, payload));
  into->push_back(name + (sent ? " sent" : " " + std::string(label(sent.error().code))) + " after " +
                  std::to_string((ctx.on->turn_time() - start) / 1s));
}

task<void> crowd(std::vector<std::string>* into, connection& peer) {
  scope senders(co_await this_context());
  for (int i = 0; i < 8; ++i) senders.spawn(send_one(into, &peer, "early", 100s));
  std::ignore = co_await delay_for(1ms);  // the network is full now
  for (int i = 0; i < 8; ++i) senders.spawn(send_one(into, &peer, "early", 100s));
  std::ignore = co_await delay_for(999ms);  // the queue is full now
  into->clear();
  senders.spawn(send_one(into, &peer, "first", 100s));
  senders.spawn(send_one(into, &peer, "impatient", 3s));
  senders.spawn(send_one(into, &peer, "last", 100s));
  into->emplace_back(peer.try_send(message_kind::text, "overtakes nobody") ? "sent" : "refused");
  std::ignore = co_await peer.until_closed();
  std::ignore = co_await senders.join();
}

TEST(websocket_slow_reader, who_waits_is_served_in_order_and_may_give_up) {
  std::vector<std::string> told;
  const report all =
      play({.serve = serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return crowd(&told, peer); },
                             {.max_queued_bytes = 100'000}),
            .clients = {{.pieces = {{0ms, opening()}, {21s, close_from_client(1000)}}, .read_from = 10s}}});
  EXPECT_THAT(told, ElementsAre("refused", "impatient timed_out after 3", "first sent after 9", "last sent after 9"));
  const seen got = seen_by(all.clients[0]);
  EXPECT_EQ(got.frames.size(), 19U);
  EXPECT_TRUE(got.frames[16].starts_with("text first"));
  EXPECT_TRUE(got.frames[17].starts_with("text last"));
}

TEST(websocket_slow_reader, whoever_waits_is_told_when_the_connection_ends) {
  std::vector<std::string> told;
  const report all =
      play({.serve = serving([&told] ASSAY_CORO_WRAPPER(connection & peer) { return crowd(&told, peer); },
                             {.max_queued_bytes = 100'000}),
            .clients = {{.pieces = {{0ms, opening()}, {6s, close_from_client(1000)}}, .read_from = 10s}}});
  EXPECT_THAT(told,
              ElementsAre("refused", "impatient timed_out after 3", "first closed after 5", "last closed after 5"));
}

// A ping that finds the queue full is answered later, and of several the latest.
TEST(websocket_slow_reader, pongs_do_not_grow_the_queue) {
  notes told;
  std::vector<piece> pieces = {{0ms, opening()}};
  for (int i = 1; i <= 9; ++i) pieces.push_back({i * 1s, from_client(opcode::ping, std::to_string(i))});
  pieces.push_back({11s, close_from_client(1000)});
  const auto session_of = [&told] ASSAY_CORO_WRAPPER(connection & peer) { return send_and_listen(&told, peer); };
  const report all = play(
      {.serve = serving(session_of, {.max_queued_bytes = 100'000}), .clients = {{.pieces = pieces, .read_from = 10s}}});
  const seen got = seen_by(all.clients[0]);
  EXPECT_EQ(numbers_in(got).size(), std::size_t(message_count));
  EXPECT_EQ(std::ranges::count_if(got.frames, [](const auto& each) { return each.starts_with("pong"); }), 1);
  EXPECT_EQ(std::ranges::count(got.frames, "pong 9"), 1);
}

}  // namespace
}  // namespace assay::websocket::testing
