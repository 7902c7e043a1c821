// Responses that are read piece by piece.
#include "tests/stack/http/client_test_support.hpp"

namespace assay::http::client_test {
namespace {

using namespace std::chrono_literals;

client_request in_pieces(std::string target = "/") { return {.target = std::move(target), .read_in_pieces = true}; }

struct reading {
  result<client_response> got = std::unexpected(error{.code = errc::system, .what = "never sent"});
  std::string body = {};
  std::size_t pieces = 0;
  std::optional<error> failure = {};

  int status() const { return got ? got->status : 0; }
};

task<void> read_on(reading* into, std::size_t most_pieces = SIZE_MAX) {
  while (into->pieces < most_pieces) {
    const result<std::string_view> piece = co_await into->got->source->read();
    if (!piece) into->failure = piece.error();
    if (!piece || piece->empty()) co_return;
    into->pieces++;
    into->body.append(*piece);
  }
}

task<void> ask(world* stage, client_request request, reading* into) {
  into->got = co_await stage->http().send(std::move(request));
}

// One after the other, each read to its end.
task<void> ask_and_read(world* stage, std::vector<reading>* into) {
  for (reading& each : *into) {
    co_await ask(stage, in_pieces(), &each);
    if (!each.got) continue;
    EXPECT_TRUE(each.got->body.empty());
    co_await read_on(&each);
    EXPECT_EQ((co_await each.got->source->read()).value_or("failed"), each.failure ? "failed" : "") << "again";
  }
}

std::vector<reading> read_all_of(world& stage, std::size_t count) {
  std::vector<reading> readings(count);
  stage.run(ask_and_read(&stage, &readings));
  return readings;
}

TEST(client_response_stream, has_the_same_bytes_however_they_are_framed_and_cut) {
  const std::string large(100'000, 'x');
  const std::vector<std::pair<std::string, std::string>> answers = {
      {ok("hello"), "hello"},
      {ok(""), ""},
      {ok(large), large},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", "hello!"},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""}};
  for (const sim_options& network : {sim_options{}, sim_options{.buffer_bytes = 7, .faults = {.no_buffers = 0.1}},
                                     sim_options{.faults = {.short_read = 1, .short_write = 1, .deferred = 0.5}}}) {
    for (const auto& [bytes, body] : answers) {
      world stage(network);
      stage.server.scripts = {{read_request(), sends(bytes), again()}};
      for (const reading& each : read_all_of(stage, 3)) {
        EXPECT_EQ(each.body, body);
        EXPECT_FALSE(each.failure);
      }
      EXPECT_EQ(stage.server.accepted, 1U) << "read to its end, it is used again";
      EXPECT_EQ(stage.counters().reused, 2U);
    }
  }
}

TEST(client_response_stream, may_be_larger_than_what_is_read_whole) {
  world stage;
  stage.limits.max_body_bytes = 1000;
  const std::string body(5000, 'x');
  stage.server.scripts = {{read_request(), sends(ok(body)), again()}};
  EXPECT_EQ(read_all_of(stage, 1)[0].body, body);
}

TEST(client_response_stream, up_to_the_close_of_the_server_ends_with_it) {
  world stage;
  stage.server.scripts = {{read_request(), sends("HTTP/1.1 200 OK\r\n\r\nto the end"), closes()}};
  const std::vector<reading> got = read_all_of(stage, 2);
  EXPECT_EQ(got[0].body, "to the end");
  EXPECT_EQ(got[1].body, "to the end");
  EXPECT_EQ(stage.server.accepted, 2U);
}

TEST(client_response_stream, that_is_cut_or_stalls_fails_and_goes_on_failing) {
  const std::string begun = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
  for (const bool stalls : {false, true}) {
    world stage;
    stage.server.scripts = {{read_request(), sends(begun), stalls ? waits(1h) : closes()},
                            {read_request(), sends(ok("x"))}};
    const std::vector<reading> got = read_all_of(stage, 2);
    EXPECT_EQ(got[0].body, "half");
    ASSERT_TRUE(got[0].failure);
    EXPECT_EQ(got[0].failure->code, stalls ? errc::timed_out : errc::closed);
    EXPECT_EQ(got[1].body, "x");
    EXPECT_EQ(stage.server.accepted, 2U);
  }
}

task<void> sleep_after_the_first_piece(world* stage, reading* into, std::size_t* sent_meanwhile) {
  co_await ask(stage, in_pieces(), into);
  co_await read_on(into, 1);
  EXPECT_GT(stage->network().lent_buffers(), 0U);
  into->got->source->let_go();
  EXPECT_EQ(stage->network().lent_buffers(), 0U) << "who waits keeps nothing of the loop's";
  std::ignore = co_await delay_for(1h);
  *sent_meanwhile = stage->server.sent_bytes;
  co_await read_on(into);
}

TEST(client_response_stream, that_nobody_reads_makes_the_server_wait) {
  world stage({.window_bytes = 50'000});
  stage.server.scripts = {{read_request(), sends("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n"),
                           floods(std::string(1000, 'x'), 10'000)}};
  reading seen;
  std::size_t sent_meanwhile = 0;
  stage.run(sleep_after_the_first_piece(&stage, &seen, &sent_meanwhile));
  EXPECT_LE(sent_meanwhile, 60'000U);
  EXPECT_EQ(seen.body.size(), 10'000'000U);
  EXPECT_FALSE(seen.failure);
}

// Reads so many pieces, and is not interested in the rest.
task<void> leave_the_rest(world* stage, std::size_t pieces) {
  reading seen;
  co_await ask(stage, in_pieces("/large"), &seen);
  co_await read_on(&seen, pieces);
  EXPECT_EQ(stage->http().usage().busy, 1U);
  seen.got->source.reset();
  EXPECT_EQ(stage->http().usage().busy, 0U);
  reading next;
  co_await ask(stage, in_pieces("/next"), &next);
  co_await read_on(&next);
  EXPECT_EQ(next.body, "next");
}

TEST(client_response_stream, whose_unread_rest_is_here_leaves_the_connection_usable) {
  for (const std::size_t pieces : {0U, 1U}) {
    world stage;
    stage.server.scripts = {
        {read_request(), sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n"),
         read_request(), sends(ok("next"))}};
    stage.run(leave_the_rest(&stage, pieces));
    EXPECT_EQ(stage.server.accepted, 1U);
  }
}

TEST(client_response_stream, whose_unread_rest_is_still_to_come_closes_the_connection) {
  for (const std::size_t pieces : {0U, 1U}) {
    world stage;
    stage.server.scripts = {{read_request(), sends(ok(std::string(1'000'000, 'x')))},
                            {read_request(), sends(ok("next"))}};
    stage.run(leave_the_rest(&stage, pieces));
    EXPECT_EQ(stage.server.accepted, 2U);
  }
}

task<void> read_until_cancelled(world* stage, reading* into) {
  co_await ask(stage, in_pieces(), into);
  scope reader(co_await this_context());
  reader.spawn(read_on(into));
  std::ignore = co_await delay_for(1s);
  EXPECT_EQ(stage->server.open, 1U);
  reader.cancel(cancel_reason::user);
  std::ignore = co_await reader.join();
  EXPECT_EQ(stage->http().usage().busy, 0U);
  std::ignore = co_await delay_for(1s);
  EXPECT_EQ(stage->server.open, 0U) << "cancelling closes the connection, though the source is still there";
}

TEST(client_response_stream, that_is_cancelled_closes_its_connection) {
  world stage;
  stage.server.scripts = {{read_request(), sends("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), waits(500ms)}};
  reading seen;
  stage.run(read_until_cancelled(&stage, &seen));
  ASSERT_TRUE(seen.failure);
  EXPECT_EQ(seen.failure->code, errc::cancelled);
  EXPECT_EQ(seen.body, "half");
}

task<void> hold_the_only_connection(world* stage, reading* into, outcome* other) {
  co_await ask(stage, in_pieces(), into);
  scope others(co_await this_context());
  others.spawn(world::send(stage, {.target = "/other"}, other));
  std::ignore = co_await delay_for(1s);
  EXPECT_EQ(stage->http().usage().waiting, 1U);
  co_await read_on(into);
  std::ignore = co_await others.join();
}

TEST(client_response_stream, has_its_connection_to_itself_until_it_is_read) {
  world stage;
  stage.limits.max_connections = 1;
  stage.server.scripts = {{read_request(), sends(ok("mine")), again()}};
  reading seen;
  outcome other;
  stage.run(hold_the_only_connection(&stage, &seen, &other));
  EXPECT_EQ(seen.body, "mine");
  EXPECT_EQ(other.body(), "mine");
  EXPECT_EQ(other.took, 1s);
  EXPECT_EQ(stage.server.accepted, 1U);
}

// As its caller has it who reads at once, or long after.
task<void> ask_wait_and_read(world* stage, client_request request, duration pause, reading* into) {
  co_await ask(stage, std::move(request), into);
  if (!into->got) co_return;
  EXPECT_EQ(stage->network().lent_buffers(), 0U) << "nobody reads yet";
  std::ignore = co_await delay_for(pause);
  co_await read_on(into);
}

client_request of_a_large_text() {
  client_request request = in_pieces();
  request.verb = "POST";
  request.body = std::string(200'000, 'x');
  return request;
}

const std::string early_head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";

TEST(client_response_stream, whose_head_comes_before_the_request_was_read_is_waited_with) {
  world stage({.window_bytes = 10'000});
  stage.server.scripts = {{read_until("POST"), sends(early_head + "he"), waits(1s), read_request(), sends("llo")}};
  reading seen;
  stage.run(ask_wait_and_read(&stage, of_a_large_text(), 1h, &seen));
  EXPECT_EQ(seen.body, "hello");
  EXPECT_FALSE(seen.failure);
  ASSERT_EQ(stage.server.requests.size(), 2U);
  EXPECT_TRUE(stage.server.requests[1].text.ends_with("\r\n\r\n" + of_a_large_text().body));
}

TEST(client_response_stream, that_refuses_the_rest_of_the_request_is_there_at_once) {
  world stage({.window_bytes = 10'000});
  stage.server.scripts = {
      {read_until("POST"), sends("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"), waits(1h)}};
  reading seen;
  stage.run(ask_wait_and_read(&stage, of_a_large_text(), 0s, &seen));
  EXPECT_EQ(seen.status(), 413);
  EXPECT_EQ(seen.body, "no");
}

TEST(client_response_stream, whose_server_answers_and_closes_before_it_has_read_is_there_all_the_same) {
  world stage({.window_bytes = 10'000});
  stage.server.scripts = {{read_until("POST"), sends(ok("enough")), waits(1s), closes()}};
  reading seen;
  stage.run(ask_wait_and_read(&stage, of_a_large_text(), 1h, &seen));
  EXPECT_EQ(seen.body, "enough");
  EXPECT_FALSE(seen.failure);
}

TEST(client_response_stream, whose_server_never_reads_the_request_fails_with_the_write_timeout) {
  world stage({.window_bytes = 10'000});
  stage.server.scripts = {{read_until("POST"), sends(early_head), waits(1h)}};
  reading seen;
  const instant start = stage.network().now();
  instant ended;
  stage.run([](world* on, reading* into, instant* end) -> task<void> {
    co_await ask(on, of_a_large_text(), into);
    *end = on->network().now();
  }(&stage, &seen, &ended));
  ASSERT_FALSE(seen.got);
  EXPECT_EQ(seen.got.error().code, errc::timed_out);
  EXPECT_EQ(ended - start, stage.limits.write_timeout);
}

task<void> leave_after(world* stage, reading* into, duration patience) {
  scope sender(co_await this_context());
  sender.spawn(ask(stage, of_a_large_text(), into));
  std::ignore = co_await delay_for(patience);
  sender.cancel(cancel_reason::user);
  std::ignore = co_await sender.join();
  EXPECT_EQ(stage->http().usage().busy, 0U);
}

TEST(client_response_stream, is_no_longer_waited_with_when_its_caller_gives_up) {
  world stage({.window_bytes = 10'000});
  stage.server.scripts = {{read_until("POST"), sends(early_head), waits(1h)}};
  reading seen;
  stage.run(leave_after(&stage, &seen, 1s));
  ASSERT_FALSE(seen.got);
  EXPECT_EQ(seen.got.error().code, errc::cancelled);
}

// --- both ways -------------------------------------------------------------------------------------------------------

// A body of its own kind of noise.
class noise final : public body_source {
 public:
  explicit noise(std::size_t bytes) : left_(bytes) {}
  task<result<std::string_view>> read() override {
    piece_.clear();
    for (std::size_t i = std::min<std::size_t>(left_, 1 + left_ % 9000); i > 0; --i) {
      piece_.push_back(static_cast<char>('a' + left_-- * 7919 % 26));
    }
    co_return std::string_view(piece_);
  }

 private:
  std::size_t left_;
  std::string piece_;
};

task<result<void>> upload_noise(std::size_t bytes, body_sink& to) {
  noise from(bytes);
  co_return co_await copy_body(from, to);
}

task<void> send_noise_and_get_noise(world* stage, std::size_t bytes, std::string* back) {
  client_request request = in_pieces();
  request.verb = "POST";
  request.stream = [bytes] ASSAY_CORO_WRAPPER(body_sink & to) { return upload_noise(bytes, to); };
  request.length = bytes;
  const result<client_response> got = co_await stage->http().send(std::move(request));
  EXPECT_TRUE(got) << describe(got.error());
  if (!got) co_return;
  const result<std::string> all = co_await read_all(*got->source, bytes);
  EXPECT_TRUE(all);
  *back = all.value_or("");
}

task<std::string> all_noise(std::size_t bytes) {
  noise from(bytes);
  co_return *co_await read_all(from, bytes);
}

TEST(client_streams, pass_as_they_are_over_a_bad_network) {
  constexpr std::size_t bytes = 60'000;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    world stage({.seed = seed,
                 .window_bytes = seed % 2 == 0 ? 65536U : 1500U,
                 .buffer_bytes = seed % 3 == 0 ? 4096U : 100U,
                 .faults = {.short_read = 0.3, .short_write = 0.3, .no_buffers = 0.05, .deferred = 0.3}});
    stage.limits.max_unsent_bytes = 3000;
    stage.server.scripts = {{read_request(), answers([](const std::string& request) {
                               return ok(std::string_view(request).substr(request.find("\r\n\r\n") + 4));
                             })}};
    std::string back;
    std::string expected;
    stage.run([](world* on, std::string* got, std::string* wanted) -> task<void> {
      *wanted = co_await all_noise(bytes);
      co_await send_noise_and_get_noise(on, bytes, got);
    }(&stage, &back, &expected));
    EXPECT_TRUE(back == expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace assay::http::client_test
