#include <algorithm>
#include <cassert>
#include <utility>

#include "stack/data/postgres.hpp"
#include "stack/runtime/wait_in_line.hpp"

namespace assay::data {
namespace {

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
      target_(connection_target::parse(options_.url, options_.statement_timeout, options_.transaction_timeout)),
      slots_(std::max<std::size_t>(options_.max_connections, 1), options_.max_waiters),
      absence_(options_.backoff_min, options_.backoff_max, options_.seed) {
  if (target_) target_->max_statements = options_.max_statements;
}

pool::~pool() { assert(open_ == idle_.size() && "a pool was destroyed with connections in use"); }

pool_usage pool::usage() const { return {.open = open_, .idle = idle_.size(), .waiting = slots_.waiters()}; }

// --- taking and giving back ------------------------------------------------------------------------------------------

task<sql_result<permit>> pool::wait_for_slot() {
  permit slot = slots_.try_acquire();
  if (slot) co_return slot;
  auto waited = co_await wait_in_line(&slots_, options_.wait_timeout, &counters_);
  if (waited) co_return std::move(*waited);
  switch (waited.error().reason) {
    case no_place::why::line_full:
      co_return std::unexpected(exhausted("too many wait for a database connection"));
    case no_place::why::none_came_free:
      co_return std::unexpected(exhausted("no database connection became free"));
    case no_place::why::gave_up:
      break;
  }
  co_return std::unexpected(from_wait(waited.error().failure));
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
  if (absence_.refuses(ctx.on->turn_time())) {
    counters_.refused_while_away++;
    co_return std::unexpected(unavailable(errc::refused, "", "the database was away a moment ago"));
  }
  const bool probes = absence_.begin_attempt();
  open_++;
  const instant began = ctx.on->turn_time();
  const instant limit = saturating_add(began, options_.connect_timeout);
  auto opened = co_await with_deadline(limit, connection::open(*target_, options_.resolver));
  absence_.end_attempt(probes);
  const instant now = ctx.on->turn_time();
  if (opened) {
    counters_.opened++;
    absence_.on_reached();
    (*opened)->expires = saturating_add(now, absence_.part_of(options_.max_age, 0.9));
    co_return opened;
  }
  open_--;
  counters_.open_failures++;
  // A caller who gave up says nothing of the server, unless it had a fair time to answer.
  const bool gave_up = opened.error().reason != cancel_reason::none && now < limit;
  if (!gave_up || now - began >= options_.fair_wait) absence_.on_failed(now);
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

void pool::count(std::size_t sent, const sql_result<pipeline_results>& outcomes) {
  counters_.pipelines++;
  counters_.queries += sent;
  if (outcomes) {
    counters_.failures += static_cast<std::uint64_t>(
        std::ranges::count_if(*outcomes, [](const sql_result<rows>& each) { return !each; }));
    return;
  }
  counters_.failures += sent;
  if (outcomes.error().reason != cancel_reason::none) counters_.abandoned += sent;
}

// Whether the server answers at all. One that has stopped to is away, and so are the connections that nobody has tried.
void pool::hear(const sql_error* failure, instant began, instant now) {
  const cancel_reason ended = failure == nullptr ? cancel_reason::none : failure->reason;
  if (ended == cancel_reason::none) unanswered_ = 0;
  // A caller who left says nothing of the server: it may have been slow for him alone.
  const bool in_vain = ended == cancel_reason::deadline && now - began >= options_.fair_wait;
  if (!in_vain || ++unanswered_ < options_.max_unanswered) return;
  unanswered_ = 0;
  absence_.on_failed(now);
  counters_.closed_broken += idle_.size();
  open_ -= idle_.size();
  idle_.clear();
}

task<sql_result<rows>> pool::run(connection& on, std::string_view sql, std::vector<value> values, instant latest) {
  const loop& here = *(co_await this_context()).on;
  const instant began = here.turn_time();
  const instant limit = std::min(saturating_add(began, options_.query_timeout), latest);
  sql_result<rows> got = co_await with_deadline(limit, on.query(sql, std::move(values)));
  hear(got ? nullptr : &got.error(), began, here.turn_time());
  count(got);
  co_return got;
}

std::optional<sql_error> pool::refusal(const pipeline& statements) const {
  const pipeline_limits& most = options_.pipelines;
  if (statements.size() <= most.max_statements && statements.bytes() <= most.max_bytes) return std::nullopt;
  return from_wait({.code = errc::invalid_argument, .what = "too many statements for one pipeline, or too large"});
}

task<sql_result<pipeline_results>> pool::run(connection& on, const pipeline& statements, instant latest) {
  const loop& here = *(co_await this_context()).on;
  const instant began = here.turn_time();
  const instant limit = std::min(saturating_add(began, options_.query_timeout), latest);
  sql_result<pipeline_results> got = co_await with_deadline(limit, on.run(statements));
  hear(got ? nullptr : &got.error(), began, here.turn_time());
  count(statements.size(), got);
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

task<sql_result<pipeline_results>> pool::run(pipeline statements) {
  if (std::optional<sql_error> refused = refusal(statements)) co_return std::unexpected(std::move(*refused));
  if (statements.size() == 0) co_return pipeline_results();
  sql_result<detail::lease> held = co_await take();
  if (!held) co_return std::unexpected(std::move(held.error()));
  co_return co_await run(held->get(), statements);
}

task<sql_result<transaction>> pool::begin(isolation level) {
  sql_result<detail::lease> held = co_await take();
  if (!held) co_return std::unexpected(std::move(held.error()));
  sql_result<rows> begun = co_await command(held->get(), begin_of(level));
  if (!begun) co_return std::unexpected(std::move(begun.error()));
  counters_.transactions++;
  const instant now = (co_await this_context()).on->turn_time();
  const bool limited = options_.transaction_timeout > duration::zero();
  co_return transaction(std::move(*held), limited ? saturating_add(now, options_.transaction_timeout) : never);
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

sql_error too_old() {
  return from_wait({.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "the transaction is too old"});
}

}  // namespace

transaction::~transaction() {
  if (held_.held()) held_.owner().counters_.rollbacks++;
}

task<sql_result<rows>> transaction::query_values(std::string_view sql, std::vector<value> values) {
  if (!held_.held()) co_return std::unexpected(ended());
  if ((co_await this_context()).on->turn_time() >= expires_) co_return std::unexpected(too_old());
  co_return co_await held_.owner().run(held_.get(), sql, std::move(values), expires_);
}

task<sql_result<pipeline_results>> transaction::run(pipeline statements) {
  if (!held_.held()) co_return std::unexpected(ended());
  if ((co_await this_context()).on->turn_time() >= expires_) co_return std::unexpected(too_old());
  if (std::optional<sql_error> refused = held_.owner().refusal(statements)) {
    co_return std::unexpected(std::move(*refused));
  }
  if (statements.size() == 0) co_return pipeline_results();
  co_return co_await held_.owner().run(held_.get(), statements, expires_);
}

task<sql_result<rows>> transaction::commit() {
  if (!held_.held()) co_return std::unexpected(ended());
  if ((co_await this_context()).on->turn_time() >= expires_) co_return std::unexpected(too_old());
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
