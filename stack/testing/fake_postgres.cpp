#include "stack/testing/fake_postgres.hpp"

#include <cassert>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "stack/net/address.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/channel.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/testing/pg_wire.hpp"

namespace assay::testing {
namespace {

constexpr duration silence = std::chrono::hours(24);

}  // namespace

pg_reply pg_rows(std::vector<pg_column> columns, std::vector<std::vector<pg_text>> fields) {
  for ([[maybe_unused]] const auto& each : fields) assert(each.size() == columns.size() && "a field for each column");
  return {.columns = std::move(columns), .fields = std::move(fields)};
}

pg_reply pg_done(std::string tag) { return {.tag = std::move(tag)}; }

pg_reply pg_fails(std::string sqlstate, std::string message) {
  return {.what = pg_reply::kind::failure, .sqlstate = std::move(sqlstate), .message = std::move(message)};
}

struct fake_postgres::state {
  mutable std::mutex guard;  // of the two below
  std::map<std::string, answerer> known;
  std::vector<pg_statement> asked;

  // Of the server's thread, once it runs.
  std::optional<loop> on;
  channel<int> opens{1};         // closed at the end
  cancel_scope* door = nullptr;  // while somebody is let in
  std::uint16_t port = 0;
  std::promise<void> changed;  // told when it lets in, and when it does no longer
  std::thread thread;

  void start();
  void stop();
  // Posts `what` and waits until the door has moved.
  void move_door(std::move_only_function<void()> what) {
    changed = {};
    std::future<void> moved = changed.get_future();
    on->post(std::move(what));
    moved.get();
  }
  pg_reply execute(const pg_statement& statement);
  static task<void> serve(state* self, net::stream peer);
  static task<void> let_in(state* self);
  static task<void> run(state* self);
};

pg_reply fake_postgres::state::execute(const pg_statement& statement) {
  answerer answers;
  {
    const std::lock_guard lock(guard);
    asked.push_back(statement);
    if (const auto found = known.find(statement.sql); found != known.end()) answers = found->second;
  }
  if (answers) return answers(statement.parameters);
  const std::string word = statement.sql.substr(0, statement.sql.find(' '));
  if (word == "BEGIN" || word == "COMMIT" || word == "ROLLBACK" || word == "SET") return pg_done(word);
  if (statement.sql == "SELECT 1") return pg_rows({{"?column?", pg_type_int4}}, {{"1"}});
  return pg_fails("42601", "fake_postgres has no answer to: " + statement.sql);
}

task<void> fake_postgres::state::serve(state* self, net::stream peer) {
  detail::pg_session session([self](const pg_statement& asked_for) { return self->execute(asked_for); });
  auto now = detail::pg_session::state::open;
  while (now == detail::pg_session::state::open) {
    result<net::chunk> some = co_await peer.recv();
    if (!some || some->empty()) co_return;
    std::string reply;
    now = session.take(some->bytes(), reply);
    some->release();
    if (reply.empty()) continue;
    const result<void> sent = co_await peer.send_all(reply);
    if (!sent) co_return;
  }
  if (now == detail::pg_session::state::hangs) std::ignore = co_await delay_for(silence);
}

// Lets visitors in until it is to go away; all of them have left then.
task<void> fake_postgres::state::let_in(state* self) {
  context& ctx = co_await this_context();
  auto from = net::listener::open(ctx.on->backend(), *net::parse_address("127.0.0.1", self->port));
  assert(from && "the port is taken");
  self->port = net::port_of(from->local_address());
  scope visitors(ctx);
  self->changed.set_value();
  while (true) {
    result<net::stream> peer = co_await from->accept();
    if (!peer) break;
    visitors.spawn(serve(self, std::move(*peer)));
  }
  from->close();
  visitors.cancel(cancel_reason::shutdown);
  std::ignore = co_await visitors.join();  // none of them fails
}

task<void> fake_postgres::state::run(state* self) {
  context& ctx = co_await this_context();
  while (co_await self->opens.receive()) {
    cancel_scope open(*ctx.cancel);
    context inside = ctx;
    inside.cancel = self->door = &open;
    co_await with_context(inside, let_in(self));
    self->door = nullptr;
    self->changed.set_value();
  }
}

void fake_postgres::state::start() {
  std::future<void> listening = changed.get_future();
  int first = 1;
  std::ignore = opens.try_send(first);
  thread = std::thread([this] {
    on.emplace(std::move(*make_io({.kind = io_kind::epoll, .buffer_count = 64})));
    on->run(run(this));
    on.reset();
  });
  listening.get();
}

void fake_postgres::state::stop() {
  changed = {};  // told perhaps, and heard by nobody
  on->post([this] {
    opens.close();
    if (door != nullptr) door->cancel(cancel_reason::shutdown);
  });
  thread.join();
}

fake_postgres::fake_postgres() : state_(std::make_unique<state>()) { state_->start(); }
fake_postgres::~fake_postgres() { state_->stop(); }

std::string fake_postgres::url() const {
  return "postgresql://fake@127.0.0.1:" + std::to_string(state_->port) + "/fake?sslmode=disable&gssencmode=disable";
}

void fake_postgres::on(std::string sql, pg_reply with) {
  on(std::move(sql), [with = std::move(with)](const std::vector<pg_text>&) { return with; });
}

void fake_postgres::on(std::string sql, answerer with) {
  const std::lock_guard lock(state_->guard);
  state_->known[std::move(sql)] = std::move(with);
}

std::vector<pg_statement> fake_postgres::asked() const {
  const std::lock_guard lock(state_->guard);
  return state_->asked;
}

void fake_postgres::go_away() {
  state_->move_door([self = state_.get()] {
    assert(self->door != nullptr && "it is away already");
    self->door->cancel(cancel_reason::shutdown);
  });
}

void fake_postgres::come_back() {
  state_->move_door([self = state_.get()] {
    int again = 1;
    std::ignore = self->opens.try_send(again);
  });
}

}  // namespace assay::testing
