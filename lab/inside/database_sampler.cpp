#include "lab/inside/database_sampler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "lab/inside/database_history.hpp"
#include "lab/inside/database_queries.hpp"
#include "lab/inside/proc.hpp"
#include "stack/data/connection.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/loop.hpp"
#include "stack/runtime/offload.hpp"

namespace assay::inside {
namespace {

using data::sql_result;
using opened = std::unique_ptr<data::connection>;

// A ring would be charged to the process's locked memory, which the load generator needs.
constexpr io_options least_io{.kind = io_kind::epoll, .ring_entries = 64, .buffer_count = 8};

task<result<void>> wait_until(instant at) { co_return co_await delay_until(at); }

// One line, whatever the server has said.
std::string in_a_line(const data::sql_error& failure) {
  std::string text = describe(failure);
  std::ranges::replace_if(text, [](char c) { return c >= 0 && c < ' '; }, ' ');
  return text;
}

data::sql_error unreadable() { return data::from_wait({.code = errc::protocol, .what = "an answer of another form"}); }

}  // namespace

struct database_sampler::state {
  explicit state(watched_database given) : what(std::move(given)) {}

  void run();
  void end();
  task<void> watch(offload_pool* resolver);
  task<sql_result<opened>> connect(const data::connection_target& to, offload_pool* resolver);
  // Asks who is there; false when it is not to be looked at.
  task<bool> meet(data::connection& on);
  task<void> look_on(const data::connection_target& to, offload_pool* resolver, opened on);
  task<sql_result<void>> look(data::connection& on);
  task<std::optional<statement_counts>> statements(data::connection& on);
  void say(const std::string& why) { seen.notes.push_back(what.name + ": " + why); }

  watched_database what;
  instant t0;
  database_server server;
  database_history history;
  model::database_view seen;
  std::uint64_t failed_looks = 0;
  std::string last_failure;
  bool stopping = false;             // on the loop's thread, as the following
  cancel_scope* in_pause = nullptr;  // while it pauses between two looks
  std::mutex mutex;                  // guards the following against the end of the thread
  loop* at_work = nullptr;
  bool ended_early = false;  // before there was a loop: then one look is taken
  std::thread thread;
};

task<sql_result<opened>> database_sampler::state::connect(const data::connection_target& to, offload_pool* resolver) {
  const context& ctx = co_await this_context();
  co_return co_await with_deadline(saturating_add(ctx.on->now(), what.patience), data::connection::open(to, resolver));
}

task<bool> database_sampler::state::meet(data::connection& on) {
  const sql_result<data::rows> got = co_await on.query(sql_of_server, {});
  if (!got) {
    say("not looked into: " + in_a_line(got.error()));
    co_return false;
  }
  auto met = read_server(*got);
  if (!met) {
    say("not looked into: " + in_a_line(unreadable()));
    co_return false;
  }
  server = std::move(*met);
  if (!what.database.empty()) server.database = what.database;
  seen.version = server.version;
  seen.max_connections = server.max_connections;
  if (server.number >= least_database_version) co_return true;
  say(fmt::format("not looked into: version {} is older than 10", server.version));
  co_return false;
}

task<std::optional<statement_counts>> database_sampler::state::statements(data::connection& on) {
  const sql_result<data::rows> got =
      co_await on.query(sql_of_statements(server.number), data::values_of(server.database));
  if (got) co_return read_statements(*got);
  last_failure = in_a_line(got.error());
  co_return std::nullopt;
}

task<sql_result<void>> database_sampler::state::look(data::connection& on) {
  database_answer answer;
  // The clock first: what begins while it is read is no older than nothing.
  const sql_result<data::rows> moment = co_await on.query(sql_of_moment, {});
  if (!moment) co_return std::unexpected(moment.error());
  const sql_result<data::rows> backends = co_await on.query(sql_of_backends, data::values_of(server.database));
  if (!backends) co_return std::unexpected(backends.error());
  if (!read_moment(*moment, answer) || !read_backends(*backends, answer)) co_return std::unexpected(unreadable());
  const context& ctx = co_await this_context();
  history.add(std::chrono::duration<double>(ctx.on->now() - t0).count(), answer);
  co_return sql_result<void>{};
}

task<void> database_sampler::state::look_on(const data::connection_target& to, offload_pool* resolver, opened on) {
  const context& ctx = co_await this_context();
  cancel_scope pause(*ctx.cancel);
  context pausing = ctx;
  pausing.cancel = &pause;
  in_pause = &pause;
  const auto limit = [this, &ctx] { return saturating_add(ctx.on->now(), what.patience); };
  const auto before = co_await with_deadline(limit(), statements(*on));
  if (!before) say("its statements are not told apart, pg_stat_statements is not to be had: " + last_failure);
  instant next = ctx.on->now();
  do {
    if (on == nullptr || on->broken()) {
      auto again = co_await connect(to, resolver);
      on = again ? std::move(*again) : nullptr;
      if (!again) last_failure = in_a_line(again.error());
    }
    sql_result<void> looked = std::unexpected(unreadable());
    if (on != nullptr) looked = co_await with_deadline(limit(), look(*on));
    if (!looked) ++failed_looks;
    if (!looked && on != nullptr) last_failure = in_a_line(looked.error());
    if (!stopping) std::ignore = co_await with_context(pausing, wait_until(next + what.interval));
    next = std::max(next + what.interval, ctx.on->now());  // no bursts of looks after one that took long
  } while (!stopping);
  in_pause = nullptr;
  if (failed_looks > 0) say(fmt::format("{} looks at it failed; the last: {}", failed_looks, last_failure));
  if (!before || on == nullptr || on->broken()) co_return;
  const auto after = co_await with_deadline(limit(), statements(*on));
  if (after) seen.statements = used_between(*before, *after);
}

task<void> database_sampler::state::watch(offload_pool* resolver) {
  const auto to = data::connection_target::parse(what.url, what.patience);
  if (!to) {
    say("not looked into: " + in_a_line(to.error()));
    co_return;
  }
  auto on = co_await connect(*to, resolver);
  if (!on) {
    say("not looked into: " + in_a_line(on.error()));
    co_return;
  }
  const context& ctx = co_await this_context();
  if (!co_await with_deadline(saturating_add(ctx.on->now(), what.patience), meet(**on))) co_return;
  co_await look_on(*to, resolver, std::move(*on));
}

void database_sampler::state::run() {
  result<std::unique_ptr<io>> backend = make_io(least_io);
  if (!backend) return say("not looked into: " + describe(backend.error()));
  offload_pool resolver({.threads = 1, .max_queued = 1});
  loop its_own(std::move(*backend));
  {
    const std::scoped_lock lock(mutex);
    stopping = ended_early;
    at_work = &its_own;
  }
  its_own.run(watch(&resolver));
  const std::scoped_lock lock(mutex);
  at_work = nullptr;
}

void database_sampler::state::end() {
  {
    const std::scoped_lock lock(mutex);
    ended_early = true;
    if (at_work != nullptr) {
      at_work->post([this] {
        stopping = true;
        if (in_pause != nullptr) in_pause->cancel(cancel_reason::user);
      });
    }
  }
  if (thread.joinable()) thread.join();
}

database_sampler::database_sampler(watched_database what) : state_(std::make_unique<state>(std::move(what))) {}

database_sampler::~database_sampler() { state_->end(); }

void database_sampler::start(instant t0) {
  state_->t0 = t0;
  state_->thread = std::thread([self = state_.get()] { self->run(); });
}

database_observation database_sampler::finish() {
  state& self = *state_;
  self.end();
  database_observation made{.seen = std::move(self.seen), .events = self.history.events(self.what.name)};
  made.seen.name = self.what.name;
  self.history.report(made.seen);
  return made;
}

}  // namespace assay::inside
