#include "stack/data/connection.hpp"

#include <libpq-fe.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "stack/net/readiness.hpp"

namespace assay::data {
namespace {

std::string_view field(const PGresult* of, int code) {
  const char* const text = PQresultErrorField(of, code);
  return text == nullptr ? std::string_view() : std::string_view(text);
}

sql_error refuse(const char* what) { return from_wait({.code = errc::invalid_argument, .what = what}); }

// Marks the connection busy for as long as an operation runs, whichever way that ends.
class busy_mark {
 public:
  explicit busy_mark(bool& busy) : busy_(busy) {
    assert(!busy_ && "one operation at a time on a connection");
    busy_ = true;
  }
  ~busy_mark() { busy_ = false; }
  busy_mark(const busy_mark&) = delete;
  busy_mark& operator=(const busy_mark&) = delete;

 private:
  bool& busy_;
};

// The cached plan does not fit the table any more, or somebody else dropped it: only a new connection helps.
bool is_stale_statement(std::string_view sqlstate) { return sqlstate == "0A000" || sqlstate == "26000"; }

bool is_good(ExecStatusType status) {
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
         status == PGRES_PIPELINE_SYNC;
}

// Of a pipeline: the server has not looked at it.
sql_error passed_over() {
  return {{.code = errc::system, .what = "pipeline"},
          sql_condition::failed_transaction,
          {},
          "a statement before it had failed"};
}

// Why the values cannot be sent; none when they can.
const char* trouble_with(const std::vector<value>& values) {
  if (values.size() > max_parameters) return "too many parameters";
  return std::ranges::all_of(values, &value::sendable) ? nullptr : "a NUL byte in a parameter";
}

}  // namespace

void connection::ignore_notice(void*, const pg_result*) {}

void connection::finish::operator()(pg_conn* held) const noexcept { PQfinish(held); }

connection::connection(handle held, std::size_t max_statements)
    : held_(std::move(held)), max_statements_(max_statements) {
  PQsetNoticeReceiver(held_.get(), &ignore_notice, nullptr);
}

connection::~connection() { assert(!busy_ && "a connection was destroyed with an operation on it"); }

// --- one operation ---------------------------------------------------------------------------------------------------

sql_error connection::lost(const char* what) {
  broken_ = true;
  return unavailable(errc::closed, PQerrorMessage(held_.get()), what);
}

sql_error connection::abandoned(const error& failure, const char* what) {
  broken_ = true;
  cancel_in_server();
  sql_error ended = from_wait(failure);
  ended.what = what;
  return ended;
}

task<sql_result<void>> connection::flush(const char* what) {
  while (true) {
    const int left = PQflush(held_.get());
    if (left < 0) co_return std::unexpected(lost(what));
    if (left == 0) co_return sql_result<void>{};
    // The server may be waiting for us to read before it reads on.
    const result<net::readiness> ready =
        co_await net::wait_ready(PQsocket(held_.get()), net::want_read | net::want_write);
    if (!ready) co_return std::unexpected(abandoned(ready.error(), what));
    if (ready->readable && PQconsumeInput(held_.get()) == 0) co_return std::unexpected(lost(what));
  }
}

// The whole answer to one command. Its first failure, or its last result.
task<sql_result<rows>> connection::collect(const char* what) {
  std::unique_ptr<pg_result, detail::clear_result> kept;
  bool failed = false;
  while (true) {
    while (PQisBusy(held_.get()) != 0 && !broken_) {
      const result<net::readiness> ready = co_await net::wait_ready(PQsocket(held_.get()), net::want_read);
      if (!ready) co_return std::unexpected(abandoned(ready.error(), what));
      if (PQconsumeInput(held_.get()) == 0) broken_ = true;
    }
    // What the server said before it closed is worth more than that it closed.
    if (PQisBusy(held_.get()) != 0) break;
    std::unique_ptr<pg_result, detail::clear_result> next(PQgetResult(held_.get()));
    if (next == nullptr) break;
    const ExecStatusType status = PQresultStatus(next.get());
    if (!failed) kept = std::move(next);
    if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
      broken_ = true;
      co_return std::unexpected(from_wait({.code = errc::unsupported, .what = "COPY"}));
    }
    failed = failed || !is_good(status);
  }
  if (PQstatus(held_.get()) != CONNECTION_OK) broken_ = true;
  if (kept == nullptr) co_return std::unexpected(lost(what));
  if (!failed) co_return rows(std::move(kept));
  if (PQresultStatus(kept.get()) == PGRES_PIPELINE_ABORTED) co_return std::unexpected(passed_over());
  const std::string_view sqlstate = field(kept.get(), PG_DIAG_SQLSTATE);
  if (sqlstate.empty()) co_return std::unexpected(lost(what));  // libpq's own words: the connection failed
  sql_error failure = from_sqlstate(sqlstate, field(kept.get(), PG_DIAG_MESSAGE_PRIMARY), what);
  if (failure.condition == sql_condition::unavailable || is_stale_statement(sqlstate)) broken_ = true;
  co_return std::unexpected(std::move(failure));
}

// Sends what is left to be sent, and has the whole answer, up to the server being ready for more.
task<sql_result<rows>> connection::answer(const char* what) {
  if (PQflush(held_.get()) != 0) {  // mostly it has left at once
    const sql_result<void> sent = co_await flush(what);
    if (!sent) co_return std::unexpected(sent.error());
  }
  co_return co_await collect(what);
}

bool connection::send(const std::string* name, std::string_view sql, const std::vector<value>& values) {
  std::array<const char*, max_parameters> texts{};
  std::ranges::transform(values, texts.begin(),
                         [](const value& each) { return each.null() ? nullptr : each.text().c_str(); });
  const int count = static_cast<int>(values.size());
  if (name != nullptr) {
    return PQsendQueryPrepared(held_.get(), name->c_str(), count, texts.data(), nullptr, nullptr, 0) != 0;
  }
  return PQsendQueryParams(held_.get(), std::string(sql).c_str(), count, nullptr, texts.data(), nullptr, nullptr, 0) !=
         0;
}

task<sql_result<rows>> connection::query(std::string_view sql, std::vector<value> values) {
  if (broken_) co_return std::unexpected(unavailable(errc::closed, "the connection is broken", "query"));
  if (const char* const trouble = trouble_with(values)) co_return std::unexpected(refuse(trouble));
  const busy_mark mark(busy_);
  auto known = statements_.find(sql);
  if (known == statements_.end() && statements_.size() < max_statements_) {
    std::string text(sql);
    std::string name = "s" + std::to_string(statements_.size());
    if (PQsendPrepare(held_.get(), name.c_str(), text.c_str(), 0, nullptr) == 0) {
      co_return std::unexpected(lost("prepare"));
    }
    const sql_result<rows> prepared = co_await answer("prepare");
    if (!prepared) co_return std::unexpected(prepared.error());
    known = statements_.emplace(std::move(text), std::move(name)).first;
  }
  if (!send(known == statements_.end() ? nullptr : &known->second, sql, values)) {
    co_return std::unexpected(lost("query"));
  }
  co_return co_await answer("query");
}

task<sql_result<rows>> connection::command(const char* sql) {
  if (broken_) co_return std::unexpected(unavailable(errc::closed, "the connection is broken", sql));
  const busy_mark mark(busy_);
  if (PQsendQuery(held_.get(), sql) == 0) co_return std::unexpected(lost(sql));
  co_return co_await answer(sql);
}

task<sql_result<std::optional<notification>>> connection::notified(instant limit) {
  if (broken_) co_return std::unexpected(unavailable(errc::closed, "the connection is broken", "listen"));
  const busy_mark mark(busy_);
  const context& ctx = co_await this_context();
  while (true) {
    if (PGnotify* found = PQnotifies(held_.get())) {
      notification heard{.channel = found->relname, .payload = found->extra};
      PQfreemem(found);
      co_return heard;
    }
    const result<net::readiness> ready = co_await net::wait_ready(PQsocket(held_.get()), net::want_read, limit);
    const bool in_vain = !ready && ready.error().code == errc::timed_out && ctx.on->turn_time() < ctx.deadline;
    if (in_vain) co_return std::optional<notification>();
    if (!ready) co_return std::unexpected(from_wait(ready.error()));  // nothing is on its way: it is not broken
    if (PQconsumeInput(held_.get()) == 0) co_return std::unexpected(lost("listen"));
  }
}

// --- a pipeline ------------------------------------------------------------------------------------------------------

// Puts all of it on its way: in front of a statement that is not known yet, what prepares it, and then it is among
// `fresh`. False when the connection takes no more.
bool connection::send(const pipeline& all, std::vector<std::size_t>& fresh) {
  if (PQenterPipelineMode(held_.get()) == 0) return false;
  for (std::size_t at = 0; at < all.size(); ++at) {
    const auto& [sql, values] = all.statements()[at];
    auto known = statements_.find(sql);
    if (known == statements_.end() && statements_.size() < max_statements_) {
      known = statements_.emplace(sql, "s" + std::to_string(statements_.size())).first;
      fresh.push_back(at);
      if (PQsendPrepare(held_.get(), known->second.c_str(), sql.c_str(), 0, nullptr) == 0) return false;
    }
    if (!send(known == statements_.end() ? nullptr : &known->second, sql, values)) return false;
  }
  return PQpipelineSync(held_.get()) != 0;
}

// An outcome for each statement, up to where the connection breaks. What could not be prepared is forgotten; the server
// prepares nothing behind it, so that the names of those that are known stay without a gap.
task<pipeline_results> connection::outcomes(const pipeline& all, const std::vector<std::size_t>& fresh) {
  pipeline_results got;
  got.reserve(all.size());
  auto next = fresh.begin();
  while (got.size() < all.size() && !broken_) {
    if (next != fresh.end() && *next == got.size()) {
      sql_result<rows> prepared = co_await collect("prepare");
      if (!prepared) {
        statements_.erase(statements_.find(all.statements()[*next].sql));
        if (!broken_) std::ignore = co_await collect("query");  // passed over
        got.push_back(std::move(prepared));
        ++next;
        continue;
      }
      ++next;
    }
    sql_result<rows> outcome = co_await collect("query");
    got.push_back(std::move(outcome));
  }
  co_return got;
}

// To where the server is ready for more. What fails here without the connection is the commit.
task<sql_result<void>> connection::leave_pipeline() {
  const sql_result<rows> committed = co_await collect("commit");
  if (!committed && !broken_) std::ignore = co_await collect("commit");  // then it is ready
  if (!broken_ && PQexitPipelineMode(held_.get()) == 0) broken_ = true;
  if (!committed) co_return std::unexpected(committed.error());
  co_return sql_result<void>{};
}

task<sql_result<pipeline_results>> connection::run(const pipeline& all) {
  if (broken_) co_return std::unexpected(unavailable(errc::closed, "the connection is broken", "pipeline"));
  for (const pipeline::statement& each : all.statements()) {
    if (const char* const trouble = trouble_with(each.values)) co_return std::unexpected(refuse(trouble));
  }
  const busy_mark mark(busy_);
  std::vector<std::size_t> fresh;
  if (!send(all, fresh)) co_return std::unexpected(lost("pipeline"));
  const sql_result<void> sent = co_await flush("pipeline");
  if (!sent) co_return std::unexpected(sent.error());
  pipeline_results got = co_await outcomes(all, fresh);
  if (!broken_) {
    const sql_result<void> left = co_await leave_pipeline();
    if (!left) co_return std::unexpected(left.error());
    co_return got;
  }
  // When it was the server that said why, nothing is committed; else nobody knows.
  if (got.back()) co_return std::unexpected(lost("pipeline"));
  if (got.back().error().sqlstate().empty()) co_return std::unexpected(std::move(got.back().error()));
  while (got.size() < all.size()) got.emplace_back(std::unexpected(passed_over()));
  co_return got;
}

// --- between operations ----------------------------------------------------------------------------------------------

bool connection::begin_rollback() noexcept {
  if (broken_ || busy_ || settling_) return false;
  const PGTransactionStatusType status = PQtransactionStatus(held_.get());
  if (status != PQTRANS_INTRANS && status != PQTRANS_INERROR) return false;
  // A few bytes on an idle connection: what does not leave at once will not leave soon.
  settling_ = PQsendQuery(held_.get(), "ROLLBACK") != 0 && PQflush(held_.get()) == 0;
  if (!settling_) broken_ = true;
  return settling_;
}

task<sql_result<void>> connection::settle() {
  const busy_mark mark(busy_);
  const sql_result<rows> rolled_back = co_await answer("ROLLBACK");
  settling_ = false;
  if (!rolled_back) co_return std::unexpected(rolled_back.error());
  co_return sql_result<void>{};
}

bool connection::idle() const { return !settling_ && PQtransactionStatus(held_.get()) == PQTRANS_IDLE; }

bool connection::alive() noexcept {
  constexpr int max_looks = 4;  // a server that goes on talking out of turn is not waited for
  for (int look = 0; look < max_looks && !broken_; ++look) {
    char first = 0;
    const ssize_t came = ::recv(PQsocket(held_.get()), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (came < 0 && errno == EAGAIN) return PQstatus(held_.get()) == CONNECTION_OK;
    if (came <= 0 || PQconsumeInput(held_.get()) == 0) break;
    std::ignore = PQisBusy(held_.get());  // takes notices and parameter changes in
    while (PGnotify* notice = PQnotifies(held_.get())) PQfreemem(notice);
  }
  broken_ = true;
  return false;
}

}  // namespace assay::data
