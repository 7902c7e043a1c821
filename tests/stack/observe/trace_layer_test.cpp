#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "stack/guard/trace/layer.hpp"
#include "stack/observe/trace_context.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/stack/http/client_test_support.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard::trace {
namespace {

using namespace std::chrono_literals;
using http::testing::get;
using http::testing::parsed_response;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";

std::string identity_text(const context& ctx) {
  return observe::format_traceparent(ctx.trace) + " " + std::string(ctx.trace.state) + " " +
         observe::to_hex(ctx.request_id) + " " + observe::to_hex(ctx.task->request_id);
}

// Answers with what the context says, after a wait.
task<http::response> tell(http::request&) {
  std::ignore = co_await delay_for(10ms);
  co_return http::response::text(identity_text(co_await this_context()));
}

task<result<void>> tell_in_pieces(http::body_sink& to) {
  std::ignore = co_await delay_for(10ms);
  co_return co_await to.write(identity_text(co_await this_context()));
}

task<http::response> stream(http::request&) {
  http::response reply;
  reply.stream = tell_in_pieces;
  co_return reply;
}

std::vector<parsed_response> ask(const std::shared_ptr<policy>& ids, http::handler inner,
                                 const std::vector<std::string>& fields) {
  std::vector<http::testing::piece> pieces;
  for (std::size_t i = 0; i < fields.size(); ++i) pieces.push_back({1s * i, get("/", fields[i])});
  return http::testing::split_responses(http::testing::play_one(compose({layer(ids)}, std::move(inner)), pieces));
}

std::shared_ptr<policy> ids_of(options given = {}) {
  if (given.seed == 0) given.seed = 7;
  return std::make_shared<policy>(given);
}

TEST(trace, a_request_belongs_to_the_trace_of_its_caller_as_a_span_of_its_own) {
  const auto ids = ids_of();
  const auto seen = ask(ids, tell, {std::string(parent) + "tracestate: a=b\r\nTraceState: c=d\r\n"});
  EXPECT_THAT(seen.at(0).body, StartsWith("00-" + std::string(trace_id) + "-"));
  EXPECT_THAT(seen.at(0).body, Not(HasSubstr("00f067aa0ba902b7"))) << "not the caller's span";
  EXPECT_THAT(seen.at(0).body, HasSubstr("-01 a=b,c=d "));
  const std::string id = seen.at(0).header("x-request-id");
  EXPECT_EQ(id.size(), 16U);
  EXPECT_THAT(seen.at(0).body, HasSubstr(" " + id + " " + id)) << "in the context, and of the task";
  EXPECT_EQ(ids->counted().continued, 1U);
}

TEST(trace, any_other_request_begins_one) {
  const auto ids = ids_of();
  const std::string twice = std::string(parent) + std::string(parent);
  const auto seen = ask(ids, tell,
                        {"", "traceparent: 00-nonsense\r\ntracestate: a=b\r\n", twice, "tracestate: a=b\r\n",
                         std::string(parent) + "tracestate: a=b=c\r\n"});
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_THAT(seen.at(i).body, Not(HasSubstr(trace_id))) << i;
    EXPECT_THAT(seen.at(i).body, HasSubstr("-02  ")) << "not sampled, random, and no state of another trace";
  }
  EXPECT_NE(seen.at(0).body.substr(3, 32), seen.at(1).body.substr(3, 32));
  EXPECT_THAT(seen.at(4).body, HasSubstr(std::string(trace_id))) << "a bad state costs the state alone";
  EXPECT_EQ(ids->counted().begun, 4U);
  EXPECT_EQ(ids->counted().malformed, 2U);
  EXPECT_EQ(ids->counted().dropped_states, 1U);
}

TEST(trace, the_same_seed_gives_the_same_ids) {
  EXPECT_EQ(ask(ids_of({.seed = 3}), tell, {""}).at(0).body, ask(ids_of({.seed = 3}), tell, {""}).at(0).body);
  EXPECT_NE(ask(ids_of({.seed = 3}), tell, {""}).at(0).body, ask(ids_of({.seed = 4}), tell, {""}).at(0).body);
}

TEST(trace, takes_ids_from_outside_only_as_far_as_it_is_told_to) {
  const std::string id = "x-request-id: 00f067aa0ba902b7\r\n";
  EXPECT_NE(ask(ids_of(), tell, {id}).at(0).header("x-request-id"), "00f067aa0ba902b7");
  EXPECT_EQ(ask(ids_of({.keep_request_ids = true}), tell, {id}).at(0).header("x-request-id"), "00f067aa0ba902b7");
  EXPECT_NE(ask(ids_of({.keep_request_ids = true}), tell, {id + id}).at(0).header("x-request-id"), "00f067aa0ba902b7");
  const auto closed = ids_of({.continue_traces = false, .sample_new = true});
  const auto seen = ask(closed, tell, {std::string(parent)});
  EXPECT_THAT(seen.at(0).body, Not(HasSubstr(trace_id)));
  EXPECT_THAT(seen.at(0).body, HasSubstr("-03 ")) << "sampled";
  EXPECT_EQ(closed->counted().malformed, 0U);
}

TEST(trace, a_stream_has_the_ids_of_its_request) {
  const auto seen = ask(ids_of(), stream, {std::string(parent) + "tracestate: a=b\r\n"});
  const std::string id = seen.at(0).header("x-request-id");
  EXPECT_THAT(seen.at(0).body, StartsWith("00-" + std::string(trace_id) + "-"));
  EXPECT_THAT(seen.at(0).body, HasSubstr("-01 a=b " + id + " " + id));
}

// --- around a client -------------------------------------------------------------------------------------------------

task<void> send_under(http::client_test::world* stage, trace_identity trace, std::uint64_t request_id) {
  context ctx = co_await this_context();
  ctx.trace = trace;
  ctx.request_id = request_id;
  const exchange send = compose({sending_layer()}, exchange_of(stage->http()));
  std::ignore = co_await with_context(
      ctx, send({.headers = {{"Traceparent", "stale"}, {"tracestate", "stale"}, {"X-Request-ID", "stale"}}}));
}

std::string sent_under(const trace_identity& trace, std::uint64_t request_id) {
  http::client_test::world stage;
  stage.server.scripts = {{http::client_test::read_request(), http::client_test::sends(http::client_test::ok("x"))}};
  stage.run(send_under(&stage, trace, request_id));
  return stage.server.requests.at(0).text;
}

TEST(trace_sending, tells_the_next_server_of_the_trace) {
  trace_identity trace = *observe::parse_traceparent(parent.substr(13, 55));
  trace.state = "a=b";
  const std::string sent = sent_under(trace, 255);
  EXPECT_THAT(sent, HasSubstr(std::string(parent)));
  EXPECT_THAT(sent, HasSubstr("tracestate: a=b\r\n"));
  EXPECT_THAT(sent, HasSubstr("x-request-id: 00000000000000ff\r\n"));
  EXPECT_THAT(sent, Not(HasSubstr("stale")));
}

TEST(trace_sending, outside_of_a_trace_it_changes_nothing) {
  const std::string sent = sent_under({}, 0);
  EXPECT_THAT(sent, HasSubstr("Traceparent: stale\r\n"));
  EXPECT_THAT(sent, HasSubstr("X-Request-ID: stale\r\n"));
}

}  // namespace
}  // namespace assay::guard::trace
