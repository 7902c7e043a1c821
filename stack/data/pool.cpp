#include <algorithm>
#include <cassert>
#include <utility>

#include "stack/data/postgres.hpp"

namespace assay::data {
namespace {

task<result<permit>> acquire(semaphore& slots) { co_return co_await slots.acquire(); }

sql_error exhausted(const char* what) {
  return {{.code = errc::limit, .what = what}, sql_condition::pool_exhausted, {}, {}};
}

const char* begin_of(isolation level) {
  switch (level) {
    case isolation::read_committed:
      return "BEGIN ISOLATION LEVEL READ COMMITTED";
    case isolation::repeatable_read:
      return "BEGIN ISOLATION LEVEL REPEATABLE READ";
    case isolation::serializable:
      return "BEGIN ISOLATION LEVEL SERIALIZABLE";
  }
  return "BEGIN";
}

}  // namespace

pool::pool(pool_options options)
    : options_(std::move(options)),
      target_(connection_target::parse(options_.url, options_.statement_timeout)),
      slots_(std::max<std::size_t>(options_.max_connections, 1), options_.max_waiters),
      random_(options_.seed ? *options_.seed : std::random_device{}()) {
  if (target_) target_->max_statements = options_.max_statements;
}

pool::~pool() { assert(open_ == idle_.size() && "a pool was destroyed with connections in use"); }

pool_usage pool::usage() const { return {.open = open_, .idle = idle_.size(), .waiting = slots_.waiters()}; }

// A random part of `span`, at least `least` of it.
duration pool::jittered(duration span, double least) {
  const double part = std::uniform_real_distribution<>(least, 1)(random_);
  return duration(static_cast<duration::rep>(static_cast<double>(span.count()) * part));
}

// --- taking and giving back ------------------------------------------------------------------------------------------

task<sql_result<permit>> pool::wait_for_slot() {
  permit slot = slots_.try_acquire();
  if (slot) co_return slot;
  const context& ctx = co_await this_context();
  const instant began = ctx.on->turn_time();
  const instant limit = saturating_add(began, options_.wait_timeout);
  counters_.waits++;
  result<permit> waited = co_await with_deadline(limit, acquire(slots_));
  counters_.waited += ctx.on->turn_time() - began;
  if (waited) co_return std::move(*waited);
  if (waited.error().code == errc::limit) {
    counters_.refused_waiters++;
    co_return std::unexpected(exhausted("too many wait for a database connection"));
  }
  if (waited.error().code == errc::timed_out && limit <= ctx.deadline) {
    counters_.wait_timeouts++;
    co_return std::unexpected(exhausted("no database connection became free"));
  }
  co_return std::unexpected(from_wait(waited.error()));
}

// An idle connection that is fit for use; none when there is none.
task<std::unique_ptr<connection>> pool::take_idle() {
  const context& ctx = co_await this_context();
  while (!idle_.empty()) {
    std::unique_ptr<connection> taken = std::move(idle_.back());
    idle_.pop_back();
    if (taken->settling()) {
      std::ignore = co_await with_deadline(saturating_add(now_, options_.query_timeout), taken->settle());
    }
    const bool old = now_ >= taken->expires;
    if (!old && taken->idle() && taken->alive()) co_return taken;
    (old ? counters_.closed_old : counters_.closed_broken)++;
    open_--;
    if (ctx.cancel->cancelled() || ctx.on->turn_time() >= ctx.deadline) break;
  }
  co_return nullptr;
}

task<sql_result<std::unique_ptr<connection>>> pool::connect() {
  if (!target_) co_return std::unexpected(target_.error());
  const context& ctx = co_await this_context();
  const bool away = backoff_ > duration::zero();
  if (away && (probing_ || ctx.on->turn_time() < try_again_)) {
    counters_.refused_while_away++;
    co_return std::unexpected(unavailable(errc::refused, "", "the database was away a moment ago"));
  }
  probing_ = probing_ || away;
  open_++;
  const instant limit = saturating_add(ctx.on->turn_time(), options_.connect_timeout);
  auto opened = co_await with_deadline(limit, connection::open(*target_, options_.resolver));
  if (away) probing_ = false;
  const instant now = ctx.on->turn_time();
  if (opened) {
    counters_.opened++;
    backoff_ = duration::zero();
    (*opened)->expires = saturating_add(now, jittered(options_.max_age, 0.9));
    co_return opened;
  }
  open_--;
  counters_.open_failures++;
  // A caller who gave up says nothing of the server, unless he waited as long as connecting may take.
  const bool gave_up = opened.error().reason != cancel_reason::none && now < limit;
  if (!gave_up && now >= try_again_) {
    backoff_ = std::clamp(backoff_ * 2, options_.backoff_min, options_.backoff_max);
    try_again_ = saturating_add(now, jittered(backoff_, 0.5));
  }
  if (!gave_up && opened.error().condition == sql_condition::none) {
    opened.error().condition = sql_condition::unavailable;
  }
  co_return std::unexpected(std::move(opened.error()));
}

task<sql_result<detail::lease>> pool::take() {
  sql_result<permit> slot = co_await wait_for_slot();
  if (!slot) co_return std::unexpected(std::move(slot.error()));
  now_ = (co_await this_context()).on->turn_time();
  std::unique_ptr<connection> held = co_await take_idle();
  if (held == nullptr) {
    auto opened = co_await connect();
    if (!opened) co_return std::unexpected(std::move(opened.error()));
    held = std::move(*opened);
  }
  co_return detail::lease(this, std::move(held), std::move(*slot));
}

void pool::give_back(std::unique_ptr<connection> used) noexcept {
  // A transaction that nobody ended.
  const bool kept = !used->broken() && (used->idle() || used->begin_rollback());
  if (kept) {
    used->idle_since = now_;
    idle_.push_back(std::move(used));
    close_idle(now_);
    return;
  }
  counters_.closed_broken++;
  open_--;
}

void pool::close_idle(instant now) {
  while (idle_.size() > options_.min_idle && saturating_add(idle_.front()->idle_since, options_.idle_timeout) < now) {
    idle_.erase(idle_.begin());
    counters_.closed_idle++;
    open_--;
  }
}

void detail::lease::end() {
  if (held_ == nullptr) return;
  from_->give_back(std::move(held_));
  slot_.release();
}

// --- statements ------------------------------------------------------------------------------------------------------

void pool::count(const sql_result<rows>& outcome) {
  counters_.queries++;
  if (outcome) return;
  counters_.failures++;
  if (outcome.error().reason != cancel_reason::none) counters_.abandoned++;
}

task<sql_result<rows>> pool::run(connection& on, std::string_view sql, std::vector<value> values) {
  const instant limit = saturating_add((co_await this_context()).on->turn_time(), options_.query_timeout);
  sql_result<rows> got = co_await with_deadline(limit, on.query(sql, std::move(values)));
  count(got);
  co_return got;
}

task<sql_result<rows>> pool::command(connection& on, const char* sql) {
  const instant limit = saturating_add((co_await this_context()).on->turn_time(), options_.query_timeout);
  co_return co_await with_deadline(limit, on.command(sql));
}

task<sql_result<rows>> pool::query_values(std::string_view sql, std::vector<value> values) {
  sql_result<detail::lease> held = co_await take();
  if (!held) co_return std::unexpected(std::move(held.error()));
  co_return co_await run(held->get(), sql, std::move(values));
}

task<sql_result<transaction>> pool::begin(isolation level) {
  sql_result<detail::lease> held = co_await take();
  if (!held) co_return std::unexpected(std::move(held.error()));
  sql_result<rows> begun = co_await command(held->get(), begin_of(level));
  if (!begun) co_return std::unexpected(std::move(begun.error()));
  counters_.transactions++;
  co_return transaction(std::move(*held));
}

task<sql_result<void>> pool::open() {
  if (!target_) co_return std::unexpected(target_.error());
  std::vector<detail::lease> fresh;
  while (fresh.size() < std::min(options_.min_idle, options_.max_connections)) {
    sql_result<detail::lease> held = co_await take();
    if (!held) co_return std::unexpected(std::move(held.error()));
    fresh.push_back(std::move(*held));
  }
  co_return sql_result<void>{};
}

task<result<void>> ping(pool& of) {
  const sql_result<rows> answered = co_await of.query("SELECT 1");
  if (!answered) co_return std::unexpected<error>(answered.error());
  co_return result<void>{};
}

// --- transactions ----------------------------------------------------------------------------------------------------

namespace {

sql_error ended() { return from_wait({.code = errc::closed, .what = "the transaction has ended"}); }

}  // namespace

transaction::~transaction() {
  if (held_.held()) held_.owner().counters_.rollbacks++;
}

task<sql_result<rows>> transaction::query_values(std::string_view sql, std::vector<value> values) {
  if (!held_.held()) co_return std::unexpected(ended());
  co_return co_await held_.owner().run(held_.get(), sql, std::move(values));
}

task<sql_result<rows>> transaction::commit() {
  if (!held_.held()) co_return std::unexpected(ended());
  detail::lease held = std::move(held_);
  sql_result<rows> done = co_await held.owner().command(held.get(), "COMMIT");
  // The server ends a transaction in which a statement has failed by rolling back, and calls that a success.
  if (done && done->tag() != "COMMIT") {
    done = std::unexpected(from_sqlstate("25P02", "a statement had failed before", "COMMIT"));
  }
  if (!done) held.owner().counters_.rollbacks++;
  co_return done;
}

task<sql_result<rows>> transaction::rollback() {
  if (!held_.held()) co_return std::unexpected(ended());
  detail::lease held = std::move(held_);
  held.owner().counters_.rollbacks++;
  co_return co_await held.owner().command(held.get(), "ROLLBACK");
}

}  // namespace assay::data
