// LISTEN and NOTIFY, and transactions that are too old, against a real PostgreSQL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "stack/data/notifications.hpp"
#include "tests/integration/postgres_pool_support.hpp"

namespace assay::data {
namespace {

using namespace testing_support;
using ::testing::ElementsAre;

class notifications_test : public postgres_pool_test {
 protected:
  static notification_options listening() {
    return {.url = server().url(), .channels = {"orders", "Prices"}, .backoff_min = 5ms, .backoff_max = 20ms};
  }
};
INSTANTIATE_TEST_SUITE_P(backends, notifications_test, ::testing::ValuesIn(real_backends()), backend_name);

task<result<void>> run_notifications(notifications* all) { co_return co_await all->run(); }

task<std::string> next_of(notifications* from) {
  const context& ctx = co_await this_context();
  auto waiting = [](notifications* all) -> task<result<notified>> { co_return co_await all->receive(); };
  const result<notified> got = co_await with_deadline(ctx.on->now() + 10s, waiting(from));
  if (!got) co_return std::string(label(got.error().code));
  co_return got->gap ? "gap" : got->channel + " " + got->payload;
}

TEST_P(notifications_test, come_in_order_and_after_a_loss_behind_a_gap) {
  run(options(), [](pool& db) -> task<void> {
    notifications news(listening());
    scope children(co_await this_context());
    children.spawn(run_notifications(&news));
    EXPECT_EQ(co_await next_of(&news), "gap") << "read the state now";
    EXPECT_TRUE(
        co_await db.query("SELECT pg_notify('orders', '7'), pg_notify('Prices', ''), pg_notify('orders', '8')"));
    EXPECT_EQ(co_await next_of(&news), "orders 7");
    EXPECT_EQ(co_await next_of(&news), "Prices ");
    EXPECT_EQ(co_await next_of(&news), "orders 8");

    EXPECT_TRUE(co_await db.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"));
    EXPECT_EQ(co_await next_of(&news), "gap");
    EXPECT_TRUE(co_await db.query("SELECT pg_notify('orders', '9')"));
    EXPECT_EQ(co_await next_of(&news), "orders 9");
    EXPECT_EQ(news.counters().opened, 2u);

    children.cancel(cancel_reason::shutdown);
    EXPECT_TRUE(co_await children.join());
    EXPECT_EQ(co_await next_of(&news), "closed");
  });
}

TEST_P(notifications_test, who_receives_too_slowly_is_told_so) {
  run(options(), [](pool& db) -> task<void> {
    notification_options narrow = listening();
    narrow.max_queued = 4;
    notifications news(narrow);
    scope children(co_await this_context());
    children.spawn(run_notifications(&news));
    EXPECT_EQ(co_await next_of(&news), "gap");
    EXPECT_TRUE(co_await db.query("SELECT pg_notify('orders', n::text) FROM generate_series(1, 9) n"));
    for (int tries = 0; tries < 2000 && news.counters().received < 9; ++tries) std::ignore = co_await delay_for(2ms);
    EXPECT_EQ(news.counters().received, 9u);
    EXPECT_GT(news.counters().overruns, 0u);
    EXPECT_EQ(co_await next_of(&news), "gap");
    std::string last;
    while (last != "orders 9") last = co_await next_of(&news);
    children.cancel(cancel_reason::shutdown);
    EXPECT_TRUE(co_await children.join());
  });
}

TEST_P(notifications_test, a_silent_connection_is_asked_and_a_bad_name_refused) {
  run(options(), [](pool& db) -> task<void> {
    notification_options quick = listening();
    quick.ping_interval = 5ms;
    notifications news(quick);
    scope children(co_await this_context());
    children.spawn(run_notifications(&news));
    EXPECT_EQ(co_await next_of(&news), "gap");
    std::ignore = co_await delay_for(30ms);
    EXPECT_TRUE(co_await db.query("SELECT pg_notify('orders', 'still')"));
    EXPECT_EQ(co_await next_of(&news), "orders still");
    children.cancel(cancel_reason::shutdown);
    EXPECT_TRUE(co_await children.join());

    notification_options bad = listening();
    bad.channels = {"orders\"; DROP TABLE things; --"};
    notifications none(bad);
    const result<void> refused = co_await none.run();
    EXPECT_TRUE(failed_with(refused, errc::invalid_argument));
    EXPECT_EQ(co_await next_of(&none), "closed");
  });
}

TEST_P(notifications_test, a_transaction_that_is_too_old_can_only_be_rolled_back) {
  pool_options strict = options();
  strict.transaction_timeout = 50ms;
  run(strict, [](pool& db) -> task<void> {
    co_await make_table(db);
    {
      auto open = co_await db.begin();
      EXPECT_TRUE(open);
      EXPECT_TRUE(co_await open->query("INSERT INTO things VALUES (1, 'late')"));
      std::ignore = co_await delay_for(60ms);
      const auto late = co_await open->query("INSERT INTO things VALUES (2, 'later')");
      EXPECT_FALSE(late);
      EXPECT_EQ(late.error().code, errc::timed_out);
      EXPECT_FALSE(co_await open->commit());
    }
    EXPECT_EQ(co_await number(db, "SELECT count(*) FROM things"), 0);
    auto asleep = co_await db.begin();
    EXPECT_TRUE(asleep);
    const auto ended = co_await asleep->query("SELECT pg_sleep(59)");
    EXPECT_FALSE(ended);
    EXPECT_EQ(ended.error().code, errc::timed_out);
  });
}

}  // namespace
}  // namespace assay::data
