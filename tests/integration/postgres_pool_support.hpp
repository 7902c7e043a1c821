// Fixture of the tests with a pool before a real PostgreSQL, one for the whole program, on both backends.
//
// Misuse: a table of another name than `things` that a test leaves behind; the next one meets it.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string_view>
#include <utility>

#include "stack/data/postgres.hpp"
#include "tests/integration/postgres_server.hpp"
#include "tests/stack/net/net_test_support.hpp"

namespace assay::data {

class server_environment : public ::testing::Environment {
 public:
  void SetUp() override { server.emplace(); }
  void TearDown() override { server.reset(); }
  static inline std::optional<testing_support::postgres_server> server;
};
inline const auto* const postgres_registered = ::testing::AddGlobalTestEnvironment(new server_environment);

class postgres_pool_test : public testing_support::backend_test {
 protected:
  static testing_support::postgres_server& server() { return *server_environment::server; }
  void SetUp() override { ASSERT_TRUE(server().ok()); }

  static pool_options options() {
    using namespace std::chrono_literals;
    return {.url = server().url(), .backoff_min = 5ms, .backoff_max = 20ms};
  }

  // An empty table of its own for the test.
  static task<void> make_table(pool& db) {
    EXPECT_TRUE(co_await db.query("DROP TABLE IF EXISTS things"));
    EXPECT_TRUE(co_await db.query("CREATE TABLE things (id int PRIMARY KEY, name text)"));
  }
  static task<std::int64_t> number(pool& db, std::string_view sql) {
    const sql_result<rows> got = co_await db.query(sql);
    EXPECT_TRUE(got) << describe(got.error());
    co_return got && !got->empty() ? (*got)[0].get<std::int64_t>(0).value_or(-1) : -1;
  }
  template <class Test>
  void run(pool_options with, Test test) {
    pool db(std::move(with));
    on_.run(test(db));
    const pool_usage after = db.usage();
    EXPECT_EQ(after.open, after.idle);
    EXPECT_EQ(after.waiting, 0u);
  }
};

}  // namespace assay::data
