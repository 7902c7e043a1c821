// Requests whose body is produced piece by piece while the response is waited for.
#include <gmock/gmock.h>

#include <memory>
#include <stdexcept>

#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t piece_bytes = 10'000;

// What a test's producer does, and what became of it.
struct production {
  std::vector<std::string> pieces = {};
  std::size_t more_of_ten_thousand = 0;  // pieces behind those
  duration pause{};                      // before each piece
  std::optional<error> failure = {};     // at the end
  bool throws = false;
  // told
  std::size_t written_bytes = 0;
  std::optional<error> stopped = {};
};

task<result<void>> produce(production* of, body_sink& to) {
  const std::string filler(piece_bytes, 'x');
  for (std::size_t i = 0; i < of->pieces.size() + of->more_of_ten_thousand; ++i) {
    if (of->pause > duration::zero()) {
      const result<void> waited = co_await delay_for(of->pause);
      if (!waited) of->stopped = waited.error();
      if (!waited) co_return waited;
    }
    const std::string& piece = i < of->pieces.size() ? of->pieces[i] : filler;
    const result<void> written = co_await to.write(piece);
    if (!written) of->stopped = written.error();
    if (!written) co_return written;
    of->written_bytes += piece.size();
  }
  if (of->throws) throw std::runtime_error("a bug");
  if (of->failure) co_return std::unexpected(*of->failure);
  co_return result<void>{};
}

client_request streaming(production& of, std::optional<std::uint64_t> length = {}) {
  return {.verb = "PUT",
          .target = "/",
          .stream = [&of] ASSAY_CORO_WRAPPER(body_sink & to) { return produce(&of, to); },
          .length = length};
}

const std::string head = "PUT / HTTP/1.1\r\nHost: shop.test\r\n";

TEST(client_request_stream, is_sent_in_chunks_and_the_connection_is_used_again) {
  world stage;
  stage.server.scripts = {{read_until("0\r\n\r\n"), sends(ok("taken")), read_request(), sends(ok("next"))}};
  production of{.pieces = {"abc", "", "0123456789abcdef"}};
  const auto outcomes = stage.exchange({streaming(of), {.target = "/next"}});
  EXPECT_EQ(outcomes[0].body(), "taken");
  EXPECT_EQ(outcomes[1].body(), "next");
  EXPECT_EQ(stage.server.requests[0].text,
            head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
  EXPECT_EQ(stage.server.accepted, 1U);
}

TEST(client_request_stream, of_a_known_length_says_it_and_has_no_chunks) {
  world stage;
  stage.server.scripts = {{read_request(), sends(ok("taken")), read_request(), sends(ok("none"))}};
  production of{.pieces = {"abc", "de"}};
  production nothing;
  const auto outcomes = stage.exchange({streaming(of, 5), streaming(nothing, 0)});
  EXPECT_EQ(outcomes[0].body(), "taken");
  EXPECT_EQ(outcomes[1].body(), "none");
  EXPECT_EQ(stage.server.requests[0].text, head + "Content-Length: 5\r\n\r\nabcde");
  EXPECT_EQ(stage.server.requests[1].text, head + "Content-Length: 0\r\n\r\n");
  EXPECT_EQ(stage.server.accepted, 1U);
}

TEST(client_request_stream, that_is_not_as_long_as_was_told_fails_and_the_server_sees_it_cut) {
  for (const std::uint64_t told : {4U, 6U}) {
    world stage;
    stage.server.scripts = {{read_request(), sends(ok("never"))}, {read_request(), sends(ok("next"))}};
    production of{.pieces = {"abc", "de"}};
    const auto outcomes = stage.exchange({streaming(of, told), {.target = "/next"}});
    EXPECT_EQ(outcomes[0].failure(), label(errc::invalid_argument)) << told;
    EXPECT_EQ(outcomes[1].body(), "next");
    ASSERT_EQ(stage.server.requests.size(), 1U);
    EXPECT_EQ(stage.server.requests[0].connection, 1U);
  }
}

TEST(client_request_stream, whose_producer_fails_fails_as_it_did_and_nothing_says_that_it_was_whole) {
  world stage;
  stage.server.scripts = {{read_until("0\r\n\r\n"), sends(ok("never"))}};
  production of{.pieces = {"abc"}, .failure = error{.code = errc::no_memory, .what = "test"}};
  const auto outcomes = stage.exchange({streaming(of)});
  EXPECT_EQ(outcomes[0].failure(), label(errc::no_memory));
  EXPECT_TRUE(stage.server.requests.empty());
}

task<void> send_and_catch(world* stage, client_request request, std::string* thrown) {
  try {
    std::ignore = co_await stage->http().send(std::move(request));
  } catch (const std::runtime_error& bug) {
    *thrown = bug.what();
  }
}

TEST(client_request_stream, whose_producer_throws_leaves_nothing_behind) {
  world stage;
  stage.server.scripts = {{}};
  production of{.more_of_ten_thousand = 20, .throws = true};
  std::string thrown;
  stage.run(send_and_catch(&stage, streaming(of), &thrown));
  EXPECT_EQ(thrown, "a bug");
}

TEST(client_request_stream, waits_while_the_server_does_not_read) {
  world stage({.window_bytes = 50'000});
  stage.limits.max_unsent_bytes = 30'000;
  stage.limits.write_timeout = 1min;
  stage.server.scripts = {{waits(10s), read_until("0\r\n\r\n"), sends(ok("taken"))}};
  production of{.more_of_ten_thousand = 1000};
  std::size_t written_in_the_pause = 0;
  stage.network().at(stage.network().now() + 9s, [&] { written_in_the_pause = of.written_bytes; });
  const auto outcomes = stage.exchange({streaming(of)});
  EXPECT_EQ(outcomes[0].body(), "taken");
  EXPECT_EQ(of.written_bytes, 10'000'000U);
  EXPECT_GE(written_in_the_pause, 50'000U);
  EXPECT_LE(written_in_the_pause, 50'000 + 30'000 + piece_bytes);
}

TEST(client_request_stream, that_nobody_reads_ends_at_the_write_timeout) {
  world stage;
  stage.server.scripts = {{waits(1h)}};
  production of{.more_of_ten_thousand = 1000};
  const auto outcomes = stage.exchange({streaming(of)});
  EXPECT_EQ(outcomes[0].failure(), label(errc::timed_out));
  EXPECT_GE(outcomes[0].took, 5s);
  EXPECT_LT(outcomes[0].took, 6s);
}

TEST(client_request_stream, that_is_refused_in_the_middle_is_produced_no_further) {
  const std::string refusal = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno";
  for (const bool waiting : {false, true}) {  // for what is to be produced, or for the server
    world stage;
    stage.server.scripts = {{read_until("PUT"), waits(500ms), sends(refusal), waits(1h)},
                            {read_request(), sends(ok("x"))}};
    production of{.more_of_ten_thousand = 1'000'000, .pause = waiting ? duration(2h) : duration::zero()};
    const auto outcomes = stage.exchange({streaming(of), {.target = "/next"}});
    EXPECT_EQ(outcomes[0].status(), 413) << outcomes[0].body();
    EXPECT_EQ(outcomes[0].body(), "no");
    EXPECT_EQ(outcomes[0].took, 500ms);
    ASSERT_TRUE(of.stopped);
    EXPECT_EQ(of.stopped->code, errc::cancelled);
    EXPECT_EQ(outcomes[1].body(), "x");
    EXPECT_EQ(stage.server.accepted, 2U) << "where the rest of the request would go is unknown";
  }
}

TEST(client_request_stream, whose_server_answers_and_closes_in_the_middle_is_answered) {
  world stage;
  stage.server.scripts = {{read_until("PUT"), sends(ok("enough")), closes()}};
  production of{.more_of_ten_thousand = 1'000'000};
  const auto outcomes = stage.exchange({streaming(of)});
  EXPECT_EQ(outcomes[0].body(), "enough");
  EXPECT_LT(of.written_bytes, 10'000'000U);
}

TEST(client_request_stream, that_is_answered_well_before_its_end_is_sent_to_its_end) {
  world stage;
  stage.server.scripts = {
      {read_until("PUT"), sends(ok("hello")), read_until("0\r\n\r\n"), read_request(), sends(ok("next"))}};
  production of{.pieces = {"a", "b", "c"}, .pause = 1s};
  std::size_t lent_meanwhile = 1;
  stage.network().at(stage.network().now() + 2500ms, [&] { lent_meanwhile = stage.network().lent_buffers(); });
  const auto outcomes = stage.exchange({streaming(of), {.target = "/next"}});
  EXPECT_EQ(outcomes[0].body(), "hello");
  EXPECT_EQ(outcomes[0].took, 3s);
  EXPECT_EQ(lent_meanwhile, 0U) << "what came of the answer waits in memory of its own";
  EXPECT_EQ(of.written_bytes, 3U);
  EXPECT_EQ(outcomes[1].body(), "next");
  EXPECT_EQ(stage.server.accepted, 1U);
}

TEST(client_request_stream, may_take_longer_than_a_response_which_has_its_time_from_the_last_byte_on) {
  for (const duration thinks : {19s, 21s}) {
    world stage;
    stage.server.scripts = {{read_until("0\r\n\r\n"), waits(thinks), sends(ok("taken"))}};
    production of{.pieces = {"a", "b", "c"}, .pause = 30s};
    const auto outcomes = stage.exchange({streaming(of)});
    EXPECT_EQ(outcomes[0].failure(), thinks == 19s ? "none" : label(errc::timed_out));
    EXPECT_EQ(outcomes[0].took, 90s + std::min<duration>(thinks, 20s));
  }
}

TEST(client_request_stream, is_not_sent_again) {
  world stage;
  stage.server.scripts = {{read_request(), sends(ok("warm")), read_until("PUT"), closes()}};
  production of{.pieces = {"abc"}};
  const auto outcomes = stage.exchange({{.target = "/warm"}, streaming(of)});
  EXPECT_EQ(outcomes[0].body(), "warm");
  EXPECT_THAT(std::string(outcomes[1].failure()), testing::AnyOf(label(errc::closed), label(errc::reset)));
  EXPECT_EQ(stage.counters().resent, 0U);
  EXPECT_FALSE(may_resend(streaming(of)));
}

task<void> ask_impatiently(world* stage, client_request request, duration patience, bool by_deadline, outcome* into) {
  if (by_deadline) {
    co_await with_deadline(stage->network().now() + patience, world::send(stage, std::move(request), into));
    co_return;
  }
  scope sender(co_await this_context());
  sender.spawn(world::send(stage, std::move(request), into));
  std::ignore = co_await delay_for(patience);
  sender.cancel(cancel_reason::shutdown);
  std::ignore = co_await sender.join();
}

TEST(client_request_stream, ends_when_its_caller_gives_up_wherever_it_is) {
  const script stalls = {waits(1h)};
  const script silent = {read_until("0\r\n\r\n"), waits(1h)};
  for (const bool by_deadline : {true, false}) {
    for (const production& at : {production{.more_of_ten_thousand = 1000}, production{.pieces = {"a"}, .pause = 1h},
                                 production{.pieces = {"a"}}}) {
      world stage;
      stage.server.scripts = {at.more_of_ten_thousand > 0 ? stalls : silent};
      production of = at;
      outcome seen;
      stage.run(ask_impatiently(&stage, streaming(of), 2s, by_deadline, &seen));
      EXPECT_EQ(seen.failure(), label(by_deadline ? errc::timed_out : errc::cancelled)) << seen.body();
      if (!seen.got && !by_deadline) EXPECT_EQ(seen.got.error().reason, cancel_reason::shutdown);
      EXPECT_EQ(seen.took, 2s);
    }
  }
}

}  // namespace
}  // namespace assay::http::client_test
