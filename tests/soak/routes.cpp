#include <stdexcept>
#include <utility>

#include "stack/http/sse.hpp"
#include "stack/runtime/combine.hpp"
#include "stack/runtime/delay.hpp"
#include "tests/soak/parts.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr int pieces = 64;
constexpr std::size_t piece_bytes = 16 * 1024;
constexpr std::size_t page_bytes = 4096;
constexpr duration between_checks = 100ms;
constexpr duration check_limit = 10s;  // also of one that is under way at the end: it leaves nothing in flight

task<http::response> text(parts* of, http::request&) {
  if (of->with->leaks) of->leaked.emplace_back(page_bytes, 'x');
  co_return http::response::text("hello\n");
}

task<http::response> echo(parts*, http::request& asked) {
  auto body = co_await asked.read_all();
  if (!body) co_return http::response::for_body(body.error());
  co_return http::response::text(std::move(*body));
}

// --- PostgreSQL

task<http::response> row(parts* of, std::int32_t id) {
  const auto found = co_await of->rows.query("SELECT balance FROM accounts WHERE id = $1", id);
  if (!found) co_return http::response::from(found.error());
  co_return http::response::text(found->empty() ? "none\n" : "row\n");
}

std::int32_t next_account(const parts& of) { return 1 + static_cast<std::int32_t>(of.rows.counters().queries % 50); }

constexpr const char* take_one = "UPDATE accounts SET balance = balance - 1 WHERE id = $1";
constexpr const char* give_one = "UPDATE accounts SET balance = balance + 1 WHERE id = $1";

// Money goes from one account to another; the sum of all is what the soak looks at in the end.
task<http::response> transfer(parts* of, http::request&) {
  auto open = co_await of->rows.begin();
  if (!open) co_return http::response::from(open.error());
  const std::int32_t from = next_account(*of);
  auto done = co_await open->query(take_one, from);
  if (done && from % 5 == 0) co_return http::response::text("left open\n", 409);  // the block's end rolls back
  if (done) done = co_await open->query(give_one, from + 50);
  if (done) done = co_await open->commit();
  if (!done) co_return http::response::from(done.error());
  co_return http::response::text("moved\n");
}

// The same in one go. One of two fails behind its first half, which is undone then.
task<http::response> pipelined(parts* of, http::request&) {
  const std::int32_t from = next_account(*of);
  const std::int32_t divisor = from % 2;
  data::pipeline all;
  all.add(take_one, from).add("SELECT 1 / $1::integer", divisor).add(give_one, from + 50);
  const auto outcomes = co_await of->rows.run(std::move(all));
  if (!outcomes) co_return http::response::from(outcomes.error());
  const data::sql_error* const why = data::failure_in(*outcomes);
  if (why == nullptr) co_return http::response::text("moved\n");
  co_return divisor == 0 ? http::response::text("undone\n", 409) : http::response::from(*why);
}

task<http::response> notify(parts* of, http::request&) {
  const auto told = co_await of->rows.query("SELECT pg_notify($1, 'sold')", orders_channel);
  if (!told) co_return http::response::from(told.error());
  co_return http::response::text("told\n");
}

// The server works on until somebody stops it.
task<http::response> stuck(parts* of, http::request&) {
  const auto slept = co_await of->rows.query("SELECT pg_sleep(3600)");
  if (!slept) co_return http::response::from(slept.error());
  co_return http::response::text("slept\n");
}

// --- Redis

task<http::response> count(parts* of, http::request&) {
  data::redis::batch both;
  both.add("INCR", "visits").add("GET", "visits");
  const auto answers = co_await of->cache.run(std::move(both));
  if (!answers) co_return http::response::from(answers.error());
  co_return http::response::text("counted\n");
}

task<http::response> publish(parts* of, http::request&) {
  const auto told = co_await of->cache.command("PUBLISH", news_channel, "sold");
  if (!told) co_return http::response::from(told.error());
  co_return http::response::text("told\n");
}

// --- what takes its time

task<http::response> wait_for(duration span) {
  const result<void> slept = co_await delay_for(span);
  if (!slept) co_return http::response::from(slept.error());
  co_return http::response::text("slept\n");
}

task<http::response> slow(parts*, http::request&) { co_return co_await wait_for(500ms); }
task<http::response> hang(parts*, http::request&) { co_return co_await wait_for(1h); }

task<result<void>> send_pieces(http::body_sink& to) {
  const std::string piece(piece_bytes, 'x');
  for (int i = 0; i < pieces; ++i) {
    const result<void> sent = co_await to.write(piece);
    if (!sent) co_return std::unexpected(sent.error());
  }
  co_return result<void>{};
}

task<http::response> stream(parts*, http::request&) {
  http::response reply;
  reply.stream = send_pieces;
  co_return reply;
}

task<result<void>> send_ticks(http::body_sink& to) {
  for (int number = 0;; ++number) {
    std::string tick;
    std::ignore = http::append_event(tick, {.data = "tick", .id = std::to_string(number)});
    const result<void> sent = co_await to.write(tick);
    if (!sent) co_return std::unexpected(sent.error());
    const result<void> slept = co_await delay_for(5ms);
    if (!slept) co_return std::unexpected(slept.error());
  }
}

task<http::response> events(parts*, http::request&) { co_return http::event_response(send_ticks); }

task<void> echo_messages(websocket::connection& peer) {
  while (true) {
    const result<websocket::message> got = co_await peer.receive();
    if (!got) co_return;
    const result<void> sent = co_await peer.send(got->kind, got->payload);
    if (!sent) co_return;
  }
}

task<http::response> socket(parts* of, http::request& asked) { co_return of->sockets.accept(asked, echo_messages); }

task<http::response> bug(parts*, http::request&) {
  throw std::runtime_error("planted");
  co_return http::response::text("");
}

}  // namespace

void add_routes(parts* of) {
  const auto on = [of](http::method verb, const char* path, task<http::response> (*serve)(parts*, http::request&)) {
    of->routes.add(verb, path, [of, serve] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(of, asked); });
  };
  using enum http::method;
  on(get, "/text", &text);
  on(post, "/echo", &echo);
  of->routes.add(get, "/rows/{id}", [of] ASSAY_CORO_WRAPPER(http::request&, std::int32_t id) { return row(of, id); });
  on(post, "/transfer", &transfer);
  on(post, "/pipelined", &pipelined);
  on(post, "/notify", &notify);
  on(get, "/stuck", &stuck);
  on(get, "/count", &count);
  on(post, "/publish", &publish);
  on(get, "/slow", &slow);
  on(get, "/hang", &hang);
  on(get, "/stream", &stream);
  on(get, "/events", &events);
  on(get, "/socket", &socket);
  on(get, "/throw", &bug);
}

task<void> check_cache(parts* of) {
  while (true) {
    const result<void> slept = co_await delay_for(between_checks);
    if (!slept) co_return;
    of->checking = true;
    std::ignore = co_await shield(check_limit, of->cache.command("PING"));
    of->checking = false;
  }
}

task<void> hear_orders(parts* of) {
  while (true) {
    const result<data::notified> next = co_await of->orders.receive();
    if (!next) co_return;
    if (next->gap) {
      of->events.order_gaps++;
    } else {
      of->events.orders++;
    }
  }
}

task<void> hear_news(parts* of) {
  while (true) {
    const result<data::redis::event> next = co_await of->news.receive();
    if (!next) co_return;
    if (next->kind == data::redis::event::kind_type::message) {
      of->events.news++;
    } else {
      of->events.news_gaps++;
    }
  }
}

}  // namespace assay::soak
