// Liveness, readiness and metrics.
#include <fmt/format.h>

#include <iterator>

#include "subjects/shop/cpp/replies.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace shop {

using namespace assay;

namespace {

constexpr std::string_view ok = R"({"status":"ok"})";

void append_pool(std::string& text, const data::pool& db) {
  const data::pool_counters& counted = db.counters();
  const data::pool_usage usage = db.usage();
  const double waited_s = std::chrono::duration<double>(counted.waited).count();
  fmt::format_to(
      std::back_inserter(text),
      "# TYPE database_connections gauge\n"
      "database_connections{{state=\"idle\"}} {}\ndatabase_connections{{state=\"busy\"}} {}\n"
      "# TYPE database_waiters gauge\ndatabase_waiters {}\n"
      "# TYPE database_statements_total counter\ndatabase_statements_total {}\n"
      "# TYPE database_statement_failures_total counter\ndatabase_statement_failures_total {}\n"
      "# TYPE database_connection_waits_total counter\ndatabase_connection_waits_total {}\n"
      "# TYPE database_connection_wait_seconds_total counter\ndatabase_connection_wait_seconds_total {:.6f}\n"
      "# TYPE database_connections_opened_total counter\ndatabase_connections_opened_total {}\n",
      usage.idle, usage.open - usage.idle, usage.waiting, counted.queries, counted.failures, counted.waits, waited_s,
      counted.opened);
}

task<data::sql_result<data::rows>> ping(data::pool& db) { co_return co_await db.query("SELECT 1"); }

}  // namespace

task<http::response> shop::live() { co_return http::response::json(std::string(ok)); }

task<http::response> shop::ready() {
  const instant limit = saturating_add((co_await this_context()).on->turn_time(), ready_limit);
  const auto answered = co_await with_deadline(limit, ping(db_));
  if (!answered) co_return http::response::json(R"({"status":"unavailable"})", 503);
  co_return http::response::json(std::string(ok));
}

task<http::response> shop::show_metrics() {
  std::string text;
  metrics_.append_to(text);
  append_pool(text, db_);
  http::response reply;
  reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
  reply.body = std::move(text);
  co_return reply;
}

}  // namespace shop
