// The reader of replies: every type, every cut, every limit, and what is no reply.
#include "stack/data/redis/reply_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace assay::data::redis {
namespace {

using outcome = std::expected<std::vector<reply>, reply_fault>;

// All replies of `bytes`, which come in pieces of that size.
outcome read_all(std::string_view bytes, std::size_t piece_bytes, const reply_limits& limits = {}) {
  reply_reader reader(limits);
  std::vector<reply> replies;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    while (!piece.empty()) {
      auto next = reader.read(piece);
      if (!next) return std::unexpected(next.error());
      if (*next) replies.push_back(std::move(**next));
    }
  }
  EXPECT_TRUE(reader.at_start()) << "a reply is not complete";
  return replies;
}

// A reply as text, to compare it.
std::string shown(const reply& said) {
  switch (said.kind) {
    case reply_kind::null:
      return "null";
    case reply_kind::status:
      return "status " + said.text;
    case reply_kind::text:
      return "'" + said.text + "'";
    case reply_kind::integer:
      return std::to_string(said.integer);
    case reply_kind::real:
      return std::isnan(said.real) ? "nan" : std::to_string(said.real);
    case reply_kind::boolean:
      return said.integer == 1 ? "true" : "false";
    case reply_kind::big_number:
      return "big " + said.text;
    case reply_kind::error:
      return "error " + said.text;
    default: {
      std::string text = said.kind == reply_kind::array ? "["
                         : said.kind == reply_kind::map ? "{"
                         : said.kind == reply_kind::set ? "("
                                                        : "<";
      for (const reply& each : said.elements) text += shown(each) + " ";
      return text + ";";
    }
  }
}

std::string shown_one(std::string_view bytes, std::size_t piece_bytes = std::string_view::npos) {
  const outcome got = read_all(bytes, piece_bytes);
  if (!got) return std::string("fault: ") + describe(got.error());
  return got->size() == 1 ? shown(got->front()) : std::to_string(got->size()) + " replies";
}

struct sample {
  std::string_view bytes;
  std::string_view expected;
};

using namespace std::string_view_literals;

constexpr sample samples[] = {
    {"+OK\r\n", "status OK"},
    {"+\r\n", "status "},
    {"-WRONGTYPE no list\r\n", "error WRONGTYPE no list"},
    {":-7\r\n", "-7"},
    {":+7\r\n", "7"},
    {":9223372036854775807\r\n", "9223372036854775807"},
    {"$5\r\nhello\r\n", "'hello'"},
    {"$0\r\n\r\n", "''"},
    {"$6\r\na\r\nb\0c\r\n"sv, "'a\r\nb\0c'"sv},
    {"$-1\r\n", "null"},
    {"*-1\r\n", "null"},
    {"_\r\n", "null"},
    {"*0\r\n", "[;"},
    {"*2\r\n:1\r\n$1\r\na\r\n", "[1 'a' ;"},
    {"*2\r\n*1\r\n:1\r\n*-1\r\n", "[[1 ; null ;"},
    {"#t\r\n", "true"},
    {"#f\r\n", "false"},
    {",0.5\r\n", "0.500000"},
    {",1e3\r\n", "1000.000000"},
    {",inf\r\n", "inf"},
    {",-inf\r\n", "-inf"},
    {",nan\r\n", "nan"},
    {"(-3492890328409238509324850943850943825024385\r\n", "big -3492890328409238509324850943850943825024385"},
    {"=8\r\ntxt:some\r\n", "'some'"},
    {"!8\r\nERR a\r\nb\r\n", "error ERR a\r\nb"},
    {"%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n", "{status a 1 status b 2 ;"},
    {"~2\r\n:1\r\n:2\r\n", "(1 2 ;"},
    {">2\r\n+message\r\n:1\r\n", "<status message 1 ;"},
    {"|1\r\n+ttl\r\n:3600\r\n:7\r\n", "7"},
    {"*2\r\n|1\r\n+a\r\n*1\r\n:0\r\n:1\r\n:2\r\n", "[1 2 ;"},
    {"|0\r\n+OK\r\n", "status OK"},
};

TEST(reply_reader_test, every_type_is_read_however_it_is_cut) {
  for (const sample& each : samples) {
    SCOPED_TRACE(each.bytes);
    for (const std::size_t piece_bytes : {1UZ, 2UZ, 3UZ, 7UZ, 1000UZ}) {
      EXPECT_EQ(shown_one(each.bytes, piece_bytes), each.expected);
    }
  }
}

TEST(reply_reader_test, replies_behind_each_other_are_told_apart_at_every_cut) {
  std::string all;
  for (const sample& each : samples) all += each.bytes;
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    reply_reader reader;
    std::size_t found = 0;
    for (std::string_view piece : {std::string_view(all).substr(0, cut), std::string_view(all).substr(cut)}) {
      while (!piece.empty()) {
        const auto next = reader.read(piece);
        ASSERT_TRUE(next) << describe(next.error());
        if (!*next) continue;
        EXPECT_EQ(shown(**next), samples[found].expected);
        found++;
      }
    }
    EXPECT_EQ(found, std::size(samples));
  }
}

TEST(reply_reader_test, what_is_no_reply_is_refused_with_its_reason) {
  const std::pair<std::string_view, reply_fault> bad[] = {
      {"HTTP/1.1 400 Bad Request\r\n", reply_fault::unknown_type},
      {"\r\n", reply_fault::unknown_type},
      {"\0\r\n"sv, reply_fault::unknown_type},
      {"+OK\n", reply_fault::bad_line},
      {"+O\rK\r\n", reply_fault::bad_line},
      {"_1\r\n", reply_fault::bad_line},
      {":\r\n", reply_fault::bad_number},
      {":1 \r\n", reply_fault::bad_number},
      {":+-1\r\n", reply_fault::bad_number},
      {":0x1\r\n", reply_fault::bad_number},
      {":9223372036854775808\r\n", reply_fault::bad_number},
      {"#true\r\n", reply_fault::bad_number},
      {",\r\n", reply_fault::bad_number},
      {",1,5\r\n", reply_fault::bad_number},
      {",infinity\r\n", reply_fault::bad_number},
      {",nan(7)\r\n", reply_fault::bad_number},
      {"(\r\n", reply_fault::bad_number},
      {"(12a\r\n", reply_fault::bad_number},
      {"$\r\n", reply_fault::bad_length},
      {"$-2\r\n", reply_fault::bad_length},
      {"$+1\r\n", reply_fault::bad_length},
      {"$01\r\n", reply_fault::bad_length},
      {"$?\r\n", reply_fault::bad_length},
      {"*?\r\n", reply_fault::bad_length},
      {"%-1\r\n", reply_fault::bad_length},
      {"=-1\r\n", reply_fault::bad_length},
      {"=3\r\ntxt\r\n", reply_fault::bad_length},
      {"$1\r\nabc", reply_fault::bad_text_end},
      {"$1\r\na\n\r", reply_fault::bad_text_end},
      {"*1\r\n>1\r\n:1\r\n", reply_fault::misplaced_push},
      {"$18446744073709551616\r\n", reply_fault::bad_length},
  };
  for (const auto& [bytes, why] : bad) {
    SCOPED_TRACE(bytes);
    for (const std::size_t piece_bytes : {1UZ, 1000UZ}) {
      const outcome got = read_all(bytes, piece_bytes);
      ASSERT_FALSE(got);
      EXPECT_EQ(got.error(), why) << describe(got.error());
    }
  }
}

TEST(reply_reader_test, a_fault_stays) {
  reply_reader reader;
  std::string_view bytes = "nonsense\r\n+OK\r\n";
  EXPECT_FALSE(reader.read(bytes));
  std::string_view good = "+OK\r\n";
  EXPECT_FALSE(reader.read(good));
  EXPECT_EQ(good, "+OK\r\n");
}

// A length is a promise of the other side, and nothing is taken for it before it is kept.
TEST(reply_reader_test, huge_announcements_are_refused_at_once) {
  for (const std::string_view bytes : {"$18446744073709551615\r\n", "$9223372036854775807\r\n", "$67108864\r\n"}) {
    EXPECT_EQ(read_all(bytes, 1).error(), reply_fault::reply_too_large) << bytes;
  }
  for (const std::string_view bytes : {"*2000000\r\n", "*18446744073709551615\r\n", "%9223372036854775808\r\n",
                                       "%524289\r\n", "|524289\r\n", "*2\r\n*1048575\r\n"}) {
    EXPECT_EQ(read_all(bytes, 1).error(), reply_fault::too_many_elements) << bytes;
  }
}

TEST(reply_reader_test, limits_hold_to_the_byte) {
  const reply_limits small{.max_reply_bytes = 20, .max_line_bytes = 8, .max_elements = 4, .max_depth = 2};
  EXPECT_TRUE(read_all("$12\r\n123456789012\r\n", 1, {.max_reply_bytes = 19}));
  EXPECT_EQ(read_all("$13\r\n1234567890123\r\n", 1, {.max_reply_bytes = 19}).error(), reply_fault::reply_too_large);
  EXPECT_TRUE(read_all("+1234567\r\n", 1, small));
  EXPECT_EQ(read_all("+12345678\r\n", 1, small).error(), reply_fault::line_too_long);
  EXPECT_EQ(read_all("+12345678\r\n", 100, small).error(), reply_fault::line_too_long);
  EXPECT_TRUE(read_all("*4\r\n_\r\n_\r\n_\r\n_\r\n", 1, small));
  EXPECT_EQ(read_all("*5\r\n", 1, small).error(), reply_fault::too_many_elements);
  EXPECT_EQ(read_all("*2\r\n*3\r\n", 1, small).error(), reply_fault::too_many_elements);
  EXPECT_EQ(read_all("*4\r\n_\r\n_\r\n_\r\n+12345\r\n", 1, small).error(), reply_fault::reply_too_large);
  EXPECT_TRUE(read_all("*1\r\n*1\r\n_\r\n", 1, small));
  EXPECT_EQ(read_all("*1\r\n*1\r\n*1\r\n", 1, small).error(), reply_fault::too_deep);
  EXPECT_TRUE(read_all("*1\r\n*1\r\n*0\r\n", 1, small)) << "what is empty opens nothing";
}

TEST(reply_reader_test, the_limits_are_those_of_one_reply) {
  const reply_limits small{.max_reply_bytes = 12, .max_elements = 1};
  std::string many;
  for (int i = 0; i < 100; ++i) many += "*1\r\n+123\r\n";
  const outcome got = read_all(many, 5, small);
  ASSERT_TRUE(got) << describe(got.error());
  EXPECT_EQ(got->size(), 100U);
}

TEST(reply_reader_test, attributes_without_end_reach_a_limit) {
  std::string chain;
  for (int i = 0; i < 1000; ++i) chain += "|0\r\n";
  EXPECT_EQ(read_all(chain, 7, {.max_reply_bytes = 400}).error(), reply_fault::reply_too_large);
  std::string nested;
  for (int i = 0; i < 100; ++i) nested += "|1\r\n";
  EXPECT_EQ(read_all(nested, 7).error(), reply_fault::too_deep);
}

}  // namespace
}  // namespace assay::data::redis
