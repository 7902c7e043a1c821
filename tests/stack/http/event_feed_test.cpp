// A feed and those who follow it: who comes, who comes back, who reads too slowly and who goes.
#include "stack/http/event_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "stack/http/event_parser.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::http::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::EndsWith;

task<response> follow(event_feed* news, request& asked) { co_return news->follow(asked); }

// A server whose only page is the feed, and what is told when.
struct newsroom {
  event_feed news;
  std::vector<std::pair<duration, std::string>> script = {};

  report play(std::vector<client_script> clients, sim_options network = {}) {
    scenario plan{.serve = [this] ASSAY_CORO_WRAPPER(request & asked) { return follow(&news, asked); },
                  .on_drain = [this] { news.close(); },
                  .network = network,
                  .clients = std::move(clients),
                  .drain_at = 60s};
    for (const auto& [at, text] : script) {
      plan.events.emplace_back(at, [this, text](sim_io&, loop&) { EXPECT_TRUE(news.tell({.data = text})); });
    }
    return testing::play(plan);
  }
};

client_script follower(duration from, const std::string& last_id = "") {
  const std::string field = last_id.empty() ? "" : "last-event-id: " + last_id + "\r\n";
  return {.pieces = {{from, get("/", field)}}};
}

// Its events as "id data".
std::vector<std::string> read_by(const client_record& client) {
  std::vector<std::string> events;
  event_parser parser;
  const auto responses = split_responses(client);
  if (responses.empty()) return events;
  std::string_view bytes = responses[0].body;
  while (!bytes.empty()) {
    const auto next = parser.next(bytes);
    if (!next) {
      ADD_FAILURE() << describe(next.error());
      break;
    }
    if (*next) events.push_back((*next)->last_event_id + " " + (*next)->data);
  }
  return events;
}

TEST(event_feed_test, who_follows_hears_what_comes_from_then_on_and_who_comes_back_what_it_missed) {
  newsroom at{.news = event_feed({.max_remembered = 2, .id_prefix = ""}),
              .script = {{1s, "one"}, {2s, "two"}, {3s, "three"}, {10s, "four"}}};
  const report seen =
      at.play({follower(1500ms), follower(5s), follower(5s, "2"), follower(5s, "1"), follower(5s, "x")});
  EXPECT_THAT(read_by(seen.clients[0]), ElementsAre("2 two", "3 three", "4 four"));
  EXPECT_THAT(read_by(seen.clients[1]), ElementsAre("4 four"));
  EXPECT_THAT(read_by(seen.clients[2]), ElementsAre("3 three", "4 four"));
  EXPECT_THAT(read_by(seen.clients[3]), ElementsAre("2 two", "3 three", "4 four")) << "the first is forgotten";
  EXPECT_THAT(read_by(seen.clients[4]), ElementsAre("2 two", "3 three", "4 four")) << "all that is remembered";
  EXPECT_EQ(seen.clients[0].when("data: three"), 3s);
  EXPECT_EQ(seen.counters.cut, 0U) << "each stream was ended when the door closed";
  EXPECT_EQ(at.news.followers(), 0U);
}

TEST(event_feed_test, who_does_not_read_is_sent_away_and_holds_up_nobody) {
  newsroom at{.news = event_feed({.max_queued = 4, .max_remembered = 2, .max_event_bytes = 10'000})};
  for (int i = 1; i <= 400; ++i) at.script.emplace_back(i * 10ms, std::string(10'000, 'x'));
  client_script slow = follower(0ms);
  slow.read_from = 20s;
  const report seen = at.play({slow, follower(0ms)}, distant(1ms));
  EXPECT_EQ(at.news.counters().sent_away, 1U);
  EXPECT_EQ(read_by(seen.clients[1]).size(), 400U);
  const auto read = read_by(seen.clients[0]).size();
  EXPECT_GT(read, 0U);
  EXPECT_LT(read, 400U) << "its stream has ended, in good order";
  EXPECT_TRUE(split_responses(seen.clients[0]).at(0).complete);
}

TEST(event_feed_test, followers_are_bounded_and_who_goes_makes_room) {
  newsroom at{.news = event_feed({.max_followers = 1, .id_prefix = ""}), .script = {{6s, "late"}}};
  client_script first = follower(0ms);
  first.leave_at = 2s;
  client_script refused = follower(1s);
  refused.leave_at = 4s;
  const report seen = at.play({first, refused, follower(5s)});
  EXPECT_EQ(statuses(seen.clients[1]), std::vector<int>{503});
  EXPECT_THAT(read_by(seen.clients[2]), ElementsAre("1 late"));
  EXPECT_EQ(at.news.counters().refused, 1U);
  EXPECT_EQ(at.news.counters().followed, 2U);
}

TEST(event_feed_test, after_its_end_a_stream_ends_at_once) {
  newsroom at;
  at.news.close();
  const report seen = at.play({follower(1s)});
  EXPECT_EQ(statuses(seen.clients[0]), std::vector<int>{200});
  EXPECT_THAT(read_by(seen.clients[0]), ElementsAre());
  EXPECT_TRUE(split_responses(seen.clients[0]).at(0).complete);
}

TEST(event_feed_test, who_comes_back_to_another_feed_than_it_left_is_given_all_that_is_remembered) {
  event_feed before;
  std::string seen_last;
  for (int i = 0; i < 2; ++i) seen_last = before.tell({.data = "of the process before"}).value();
  newsroom at{.news = event_feed(), .script = {{1s, "one"}, {2s, "two"}, {3s, "three"}}};
  const report seen = at.play({follower(5s, seen_last)});
  const std::vector<std::string> read = read_by(seen.clients[0]);
  EXPECT_THAT(read, ElementsAre(EndsWith("-1 one"), EndsWith("-2 two"), EndsWith("-3 three")));
}

TEST(event_feed_test, tells_nobody_what_cannot_be_told) {
  event_feed news({.max_event_bytes = 5, .id_prefix = ""});
  EXPECT_EQ(news.tell({.data = "123456"}).error().code, errc::limit);
  EXPECT_EQ(news.tell({.data = "1", .type = "12345"}).error().code, errc::limit);
  EXPECT_EQ(news.tell({.data = "1", .id = "12345"}).error().code, errc::limit);
  EXPECT_EQ(news.tell({.data = "", .type = "\n"}).error().code, errc::invalid_argument);
  EXPECT_EQ(news.tell({.data = "b", .id = "four"}).value(), "four");
  EXPECT_EQ(news.tell({.data = "c"}).value(), "2") << "the second that was told";
  EXPECT_EQ(news.counters().told, 2U);
}

}  // namespace
}  // namespace assay::http::testing
