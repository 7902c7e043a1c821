// The pure parts of the data room, and what a pool does where there is no server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <limits>
#include <set>

#include "stack/data/postgres.hpp"
#include "stack/net/address.hpp"
#include "stack/testing/fake_postgres.hpp"
#include "stack/testing/virtual_world.hpp"
#include "tests/stack/net/net_test_support.hpp"

namespace assay::data {
namespace {

using namespace testing_support;

TEST(value_test, numbers_texts_and_null_are_sent_as_the_server_reads_them) {
  EXPECT_EQ(value(std::numeric_limits<std::int64_t>::min()).text(), "-9223372036854775808");
  EXPECT_EQ(value(0.25).text(), "0.25");
  EXPECT_EQ(value(true).text(), "t");
  EXPECT_EQ(value("text").text(), "text");
  EXPECT_FALSE(value("").null());
  EXPECT_TRUE(value(nullptr).null());
  EXPECT_TRUE(value(std::optional<int>()).null());
  EXPECT_EQ(value(std::optional<int>(7)).text(), "7");
}

// An answer without a server; the types are those of PostgreSQL's catalogue.
using texts = std::vector<std::optional<std::string>>;
struct column {
  std::string name;
  Oid type;
  texts of_rows;
};
rows answer_of(std::vector<column> columns) {
  std::unique_ptr<pg_result, detail::clear_result> made(PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK));
  std::vector<PGresAttDesc> described;
  for (column& each : columns) {
    PGresAttDesc& added = described.emplace_back();
    added.name = each.name.data();
    added.typid = each.type;
  }
  EXPECT_NE(PQsetResultAttrs(made.get(), static_cast<int>(described.size()), described.data()), 0);
  for (int i = 0; column & each : columns) {
    for (int row = 0; std::optional<std::string> & text : each.of_rows) {
      char* const bytes = text ? text->data() : nullptr;
      EXPECT_NE(PQsetvalue(made.get(), row++, i, bytes, text ? static_cast<int>(text->size()) : -1), 0);
    }
    i++;
  }
  return rows(std::move(made));
}

TEST(rows_test, are_json_by_the_types_of_their_columns) {
  constexpr Oid boolean = 16;
  constexpr Oid int8 = 20;
  constexpr Oid int4 = 23;
  constexpr Oid text = 25;
  constexpr Oid float8 = 701;
  constexpr Oid numeric = 1700;
  constexpr Oid jsonb = 3802;
  const rows got = answer_of({{"id", int4, {"7"}},
                              {"big", int8, {"-8"}},
                              {"na\"me", text, {"a\"b\n"}},
                              {"note", text, {std::nullopt}},
                              {"yes", boolean, {"t"}},
                              {"no", boolean, {"f"}},
                              {"half", float8, {"0.5"}},
                              {"not a number", float8, {"NaN"}},
                              {"endless", float8, {"-Infinity"}},
                              {"price", numeric, {"2.50"}},
                              {"tags", jsonb, {R"({"a": [1]})"}}});
  const std::string object =
      R"({"id":7,"big":-8,"na\"me":"a\"b\n","note":null,"yes":true,"no":false,"half":0.5,"not a number":null,)"
      R"("endless":null,"price":"2.50","tags":{"a": [1]}})";
  EXPECT_EQ(json_of(got[0]), object);
  EXPECT_EQ(json_of(got), "[" + object + "]");
}

TEST(rows_test, are_a_list_in_json_however_long_each_of_them_is) {
  constexpr Oid int4 = 23;
  constexpr Oid text = 25;
  const std::string tale(1000, 'x');
  EXPECT_EQ(
      json_of(answer_of({{"id", int4, {"7", "8", "9", std::nullopt}}, {"tale", text, {"", std::nullopt, tale, "b"}}})),
      R"([{"id":7,"tale":""},{"id":8,"tale":null},{"id":9,"tale":")" + tale + R"("},{"id":null,"tale":"b"}])");
  EXPECT_EQ(json_of(answer_of({{"id", int4, {}}})), "[]");
}

TEST(value_test, a_nul_byte_cannot_be_sent) {
  EXPECT_FALSE(value(std::string("a\0b", 3)).sendable());
  EXPECT_TRUE(value("ab").sendable());
}

TEST(field_test, a_number_is_all_of_the_text_and_within_its_type) {
  std::int32_t small = 0;
  EXPECT_TRUE(detail::parse_field("-2147483648", small));
  for (const char* bad : {"", " 1", "1 ", "1.0", "+1", "0x10", "2147483648", "NaN"}) {
    EXPECT_FALSE(detail::parse_field(bad, small)) << bad;
  }
  bool truth = false;
  EXPECT_TRUE(detail::parse_field("t", truth) && truth);
  EXPECT_TRUE(detail::parse_field("f", truth) && !truth);
  EXPECT_FALSE(detail::parse_field("true", truth));
}

TEST(sql_error_test, states_map_to_conditions_and_codes) {
  const auto of = [](std::string_view state) { return from_sqlstate(state, "", "query"); };
  EXPECT_EQ(of("23505").condition, sql_condition::unique_violation);
  EXPECT_EQ(of("40001").condition, sql_condition::serialization_failure);
  EXPECT_EQ(of("57014").condition, sql_condition::query_canceled);
  EXPECT_EQ(of("57014").code, errc::timed_out);
  EXPECT_EQ(of("57P01").condition, sql_condition::unavailable);
  EXPECT_EQ(of("08006").condition, sql_condition::unavailable);
  EXPECT_EQ(of("53300").code, errc::limit);
  EXPECT_EQ(of("42501").condition, sql_condition::access_denied);
  EXPECT_EQ(of("42P01").condition, sql_condition::invalid_statement);
  EXPECT_EQ(of("XX000").condition, sql_condition::other);
  EXPECT_EQ(of("23505").sqlstate(), "23505");
  EXPECT_EQ(of("longer than five").sqlstate(), "longe");
}

TEST(sql_error_test, every_condition_has_a_label_of_its_own) {
  std::set<std::string_view> labels;
  for (int i = 0; i <= static_cast<int>(sql_condition::other); ++i) {
    labels.insert(label(static_cast<sql_condition>(i)));
  }
  EXPECT_EQ(labels.size(), static_cast<std::size_t>(sql_condition::other) + 1);
}

TEST(sql_error_test, a_message_is_one_line_of_bounded_length) {
  EXPECT_EQ(describe(from_sqlstate("23505", "duplicate\nkey\n", "query")),
            "query: invalid_argument: unique_violation [23505]: duplicate key");
  EXPECT_EQ(from_sqlstate("23505", std::string(10'000, 'x'), "query").message.size(), sql_error::max_message_bytes);
}

TEST(connection_target_test, a_numeric_host_needs_no_resolver_and_a_name_does) {
  const auto numeric = connection_target::parse("postgresql://shop@127.0.0.1:5433/shop", std::chrono::seconds(2));
  ASSERT_TRUE(numeric) << describe(numeric.error());
  EXPECT_EQ(numeric->host, "");
  using word = std::pair<std::string, std::string>;
  EXPECT_THAT(numeric->words, ::testing::IsSupersetOf({word("host", "127.0.0.1"), word("port", "5433"),
                                                       word("options", "-c statement_timeout=2000")}));
  const auto name = connection_target::parse("postgresql://shop@db.internal/shop", duration::zero());
  ASSERT_TRUE(name);
  EXPECT_EQ(name->host, "db.internal");
  const auto directory = connection_target::parse("host=/run/postgresql dbname=shop", duration::zero());
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->host, "");
}

TEST(connection_target_test, what_is_no_url_of_one_host_is_refused) {
  for (const char* bad : {"", "http://127.0.0.1/", "postgresql://a,b/shop", "dbname=shop", "hostaddr=name",
                          "postgresql://127.0.0.1/shop?colour=red", "postgresql://127.0.0.1:99999999/%zz"}) {
    const auto refused = connection_target::parse(bad, duration::zero());
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, errc::invalid_argument) << bad;
  }
}

class away_test : public backend_test {
 protected:
  // A port where nobody listens: bound a moment ago, and closed.
  std::string url_of_nobody() {
    const std::uint16_t port = net::port_of(listen().local_address());
    return "postgresql://shop@127.0.0.1:" + std::to_string(port) + "/shop";
  }
};
INSTANTIATE_TEST_SUITE_P(backends, away_test, ::testing::ValuesIn(real_backends()), backend_name);

TEST_P(away_test, a_server_that_is_away_is_asked_again_only_after_a_pause) {
  pool db({.url = url_of_nobody(), .backoff_min = 20ms, .backoff_max = 20ms, .seed = 1});
  auto body = [](pool& db) -> task<void> {
    const auto first = co_await db.query("SELECT 1");
    EXPECT_FALSE(first);
    EXPECT_EQ(first.error().condition, sql_condition::unavailable);
    EXPECT_EQ(first.error().code, errc::refused);
    EXPECT_EQ(db.counters().open_failures, 1u);
    EXPECT_FALSE(co_await db.query("SELECT 1"));
    EXPECT_EQ(db.counters().open_failures, 1u);
    EXPECT_EQ(db.counters().refused_while_away, 1u);
    EXPECT_TRUE(co_await delay_for(25ms));
    EXPECT_FALSE(co_await db.begin());
    EXPECT_EQ(db.counters().open_failures, 2u);
  };
  on_.run(body(db));
  EXPECT_EQ(db.usage().open, 0u);
}

TEST_P(away_test, a_server_that_never_answers_costs_the_connect_timeout) {
  net::listener silent = listen();
  const std::string port = std::to_string(net::port_of(silent.local_address()));
  pool db({.url = "postgresql://shop@127.0.0.1:" + port + "/shop", .connect_timeout = 20ms});
  auto body = [](pool& db) -> task<void> {
    const auto got = co_await db.query("SELECT 1");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::timed_out);
    EXPECT_EQ(got.error().condition, sql_condition::unavailable);
  };
  on_.run(body(db));
}

task<errc> query_within(pool* db, std::string sql, duration patience) {
  const context& ctx = co_await this_context();
  const auto got = co_await with_deadline(ctx.on->turn_time() + patience, db->query(sql));
  co_return got ? errc::system : got.error().code;
}

TEST_P(away_test, a_server_that_accepts_and_says_nothing_is_away_though_callers_have_less_than_connect_timeout) {
  const net::listener silent = listen();
  const std::string port = std::to_string(net::port_of(silent.local_address()));
  assay::testing::virtual_world world({.descriptor_patience = 20ms});
  pool db({.url = "postgresql://shop@127.0.0.1:" + port + "/shop", .backoff_min = 10s, .backoff_max = 10s});
  auto body = [](pool* db) -> task<void> {
    EXPECT_EQ(co_await query_within(db, "SELECT 1", 400ms), errc::timed_out);
    EXPECT_EQ(co_await query_within(db, "SELECT 1", 600ms), errc::timed_out) << "the first had no fair wait";
    EXPECT_EQ(co_await query_within(db, "SELECT 1", 600ms), errc::refused);
    EXPECT_EQ(db->counters().open_failures, 2u);
    EXPECT_EQ(db->counters().refused_while_away, 1u);
  };
  world.run(body(&db));
}

TEST(frozen_server_test, is_away_once_a_row_of_statements_had_no_answer) {
  assay::testing::virtual_world world({.descriptor_patience = 200ms});
  assay::testing::fake_postgres database;
  database.on("SELECT 2", {.what = assay::testing::pg_reply::kind::hangs});
  pool db({.url = database.url(), .backoff_min = 10s, .backoff_max = 10s});
  auto body = [](pool* db) -> task<void> {
    for (const duration patience : {600ms, 600ms, 400ms}) {
      EXPECT_EQ(co_await query_within(db, "SELECT 2", patience), errc::timed_out);
    }
    EXPECT_TRUE(co_await db->query("SELECT 1")) << "two had a fair wait, and then it answers";
    for (int times = 0; times < 3; ++times) {
      EXPECT_EQ(co_await query_within(db, "SELECT 2", 600ms), errc::timed_out) << times;
    }
    EXPECT_EQ(co_await query_within(db, "SELECT 1", 600ms), errc::refused);
    EXPECT_EQ(db->usage().open, 0u);
  };
  world.run(body(&db));
}

TEST_P(away_test, an_unusable_url_is_said_by_open_and_by_every_query) {
  pool db({.url = "postgresql://a,b/shop"});
  auto body = [](pool& db) -> task<void> {
    EXPECT_FALSE(co_await db.open());
    const auto got = co_await db.query("SELECT 1");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::invalid_argument);
  };
  on_.run(body(db));
}

// --- a host name
// -------------------------------------------------------------------------------------------------------

class host_name_test : public backend_test {
 protected:
  // Of the fake at 127.0.0.1.
  std::string url_with(const std::string& host) const {
    std::string url = database_.url();
    const std::string numeric = "127.0.0.1";
    return url.replace(url.find(numeric), numeric.size(), host);
  }
  assay::testing::fake_postgres database_;
};
INSTANTIATE_TEST_SUITE_P(backends, host_name_test, ::testing::ValuesIn(real_backends()), backend_name);

TEST_P(host_name_test, is_looked_up_by_a_pool_that_was_given_no_resolver) {
  pool db({.url = url_with("localhost")});
  auto body = [](pool& db) -> task<void> {
    const auto got = co_await db.query("SELECT 1");
    EXPECT_TRUE(got) << describe(got.error());
  };
  on_.run(body(db));
}

TEST_P(host_name_test, that_nobody_knows_is_said) {
  pool db({.url = url_with("no.such.host.invalid")});
  auto body = [](pool& db) -> task<void> {
    const auto got = co_await db.query("SELECT 1");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::unresolved);
    EXPECT_EQ(got.error().condition, sql_condition::unavailable);
  };
  on_.run(body(db));
}

TEST_P(host_name_test, with_several_addresses_is_reached_at_the_one_that_answers) {
  const auto target = connection_target::parse(url_with("db.internal"), duration::zero());
  ASSERT_TRUE(target);
  auto body = [](const connection_target& to) -> task<void> {
    const std::vector<socket_address> both{*net::parse_address("127.0.0.2", 1), *net::parse_address("127.0.0.1", 1)};
    EXPECT_TRUE(co_await connection::open_at(to, both));
    const auto nowhere = co_await connection::open_at(to, {both.front(), both.front()});
    EXPECT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, errc::refused);
  };
  on_.run(body(*target));
}

}  // namespace
}  // namespace assay::data
