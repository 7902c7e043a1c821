#include "tests/soak/service.hpp"

#include <gtest/gtest.h>

#include <cassert>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "stack/data/postgres.hpp"
#include "stack/data/redis/redis.hpp"
#include "stack/guard/chain/server.hpp"
#include "stack/http/router.hpp"
#include "stack/http/server.hpp"
#include "stack/http/sse.hpp"
#include "stack/http/websocket/endpoint.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::soak {
namespace {

using namespace std::chrono_literals;

constexpr int pieces = 64;
constexpr std::size_t piece_bytes = 16 * 1024;
constexpr std::size_t page_bytes = 4096;

// What a loop owns.
struct parts {
  parts(std::string postgres, std::string redis, planted fault)
      : leaks(fault == planted::leak_of_a_page),
        rows({.url = std::move(postgres), .max_connections = 8, .backoff_min = 5ms, .backoff_max = 100ms}),
        cache({.url = std::move(redis), .backoff_min = 5ms, .backoff_max = 100ms}) {}

  bool leaks;
  std::vector<std::string> leaked;
  data::pool rows;
  data::redis::pool cache;
  websocket::endpoint sockets{{}};
  http::router routes;
};

task<http::response> text(parts* of, http::request&) {
  if (of->leaks) of->leaked.emplace_back(page_bytes, 'x');
  co_return http::response::text("hello\n");
}

task<http::response> echo(parts*, http::request& asked) {
  auto body = co_await asked.read_all();
  if (!body) co_return http::response::for_body(body.error());
  co_return http::response::text(std::move(*body));
}

task<http::response> row(parts* of, std::int32_t id) {
  const auto found = co_await of->rows.query("SELECT balance FROM accounts WHERE id = $1", id);
  if (!found) co_return http::response::from(found.error());
  co_return http::response::text(found->empty() ? "none\n" : "row\n");
}

// Money goes from one account to another; the sum of all is what the soak looks at in the end.
task<http::response> transfer(parts* of, http::request&) {
  auto open = co_await of->rows.begin();
  if (!open) co_return http::response::from(open.error());
  const std::int32_t from = 1 + static_cast<std::int32_t>(of->rows.counters().transactions % 50);
  auto done = co_await open->query("UPDATE accounts SET balance = balance - 1 WHERE id = $1", from);
  if (done && from % 5 == 0) co_return http::response::text("left open\n", 409);  // the block's end rolls back
  if (done) done = co_await open->query("UPDATE accounts SET balance = balance + 1 WHERE id = $1", from + 50);
  if (done) done = co_await open->commit();
  if (!done) co_return http::response::from(done.error());
  co_return http::response::text("moved\n");
}

task<http::response> count(parts* of, http::request&) {
  data::redis::batch both;
  both.add("INCR", "visits").add("GET", "visits");
  const auto answers = co_await of->cache.run(std::move(both));
  if (!answers) co_return http::response::from(answers.error());
  co_return http::response::text("counted\n");
}

task<http::response> slow(parts*, http::request&) {
  const result<void> slept = co_await delay_for(500ms);
  if (!slept) co_return http::response::from(slept.error());
  co_return http::response::text("slept\n");
}

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

void add_routes(parts* of) {
  const auto on = [of](http::method verb, const char* path, task<http::response> (*serve)(parts*, http::request&)) {
    of->routes.add(verb, path, [of, serve] ASSAY_CORO_WRAPPER(http::request & asked) { return serve(of, asked); });
  };
  using enum http::method;
  on(get, "/text", &text);
  on(post, "/echo", &echo);
  of->routes.add(get, "/rows/{id}", [of] ASSAY_CORO_WRAPPER(http::request&, std::int32_t id) { return row(of, id); });
  on(post, "/transfer", &transfer);
  on(get, "/count", &count);
  on(get, "/slow", &slow);
  on(get, "/stream", &stream);
  on(get, "/events", &events);
  on(get, "/socket", &socket);
  on(get, "/throw", &bug);
}

}  // namespace

struct service::state {
  // The loop's thread's alone, but for post().
  std::optional<loop> on;
  std::unique_ptr<parts> of;
  std::optional<guard::chain::server> guards;
  std::unique_ptr<http::server> server;
  socket_address at{};
  holdings left{};
  std::promise<void> listening;
  std::thread thread;

  holdings count() {
    const auto rows = of->rows.usage();
    const auto cache = of->cache.usage();
    std::size_t tasks = 0;
    on->tasks().for_each([&tasks](const task_record&) { tasks++; });
    return {.connections = server->live_connections(),
            .frames = detail::live_frames(),
            .tasks = tasks,
            .timers = on->timers().size(),
            .places = guards->admission->in_flight() + guards->admission->waiting(),
            .rows_busy = rows.open - rows.idle + rows.waiting,
            .cache_in_flight = cache.in_flight + cache.waiting,
            .pooled = rows.open + cache.open};
  }

  task<void> serve() {
    auto door = net::listener::open(on->backend(), *net::parse_address("127.0.0.1", 0));
    if (!door) throw std::runtime_error("cannot listen");
    at = door->local_address();
    listening.set_value();
    std::ignore = co_await server->run(std::move(*door));
    left = count();
  }

  void run(std::string postgres, std::string redis, planted fault) {
    on.emplace(std::move(*make_io()));
    of = std::make_unique<parts>(std::move(postgres), std::move(redis), fault);
    add_routes(of.get());
    guards.emplace(*guard::chain::server::make({}));
    server = std::make_unique<http::server>(guards->around(of->routes.as_handler()), http::server_limits{});
    on->run(serve());
    server.reset();
    guards.reset();
    of.reset();
    on.reset();
  }
};

service::service(std::string postgres, std::string redis, planted fault) : state_(std::make_unique<state>()) {
  state* const self = state_.get();
  std::future<void> ready = self->listening.get_future();
  self->thread = std::thread(
      [self, postgres = std::move(postgres), redis = std::move(redis), fault] { self->run(postgres, redis, fault); });
  ready.get();
}

service::~service() { assert(!state_->thread.joinable() && "stop() it first"); }

const socket_address& service::address() const { return state_->at; }

holdings service::held() {
  std::promise<holdings> told;
  state_->on->post([this, &told] { told.set_value(state_->count()); });
  return told.get_future().get();
}

holdings service::stop() {
  state_->on->post([this] { state_->server->drain(); });
  state_->thread.join();
  return state_->left;
}

}  // namespace assay::soak
