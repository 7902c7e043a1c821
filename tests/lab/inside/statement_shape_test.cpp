#include "lab/inside/statement_shape.hpp"

#include <gtest/gtest.h>

#include <string>

namespace assay::inside {
namespace {

TEST(statement_shape, leaves_the_values_out_and_nothing_else) {
  EXPECT_EQ(statement_shape("SELECT *\n  FROM t1 WHERE name = 'it''s' AND n > 12.5e3"),
            "SELECT * FROM t1 WHERE name = ? AND n > ?");
  EXPECT_EQ(statement_shape("UPDATE items SET stock = stock - 1 WHERE id = $1;"),
            "UPDATE items SET stock = stock - ? WHERE id = $1");
  EXPECT_EQ(statement_shape("VALUES (1,-2,.5,'a','b'::text,E'c\\'d',X'1f',$$e'f$$,$t$g$$h$t$)"),
            "VALUES (?,-?,.?,?,?::text,?,?,?,?)");
  EXPECT_EQ(statement_shape("SELECT \"a 'b' 1\", c2 FROM d$1"), "SELECT \"a 'b' 1\", c2 FROM d$1");
}

TEST(statement_shape, comments_are_no_part_of_it) {
  EXPECT_EQ(statement_shape("/* mail@example.org */ SELECT 1 -- 'x\n+ 2 -- end"), "SELECT ? + ?");
  EXPECT_EQ(statement_shape("-- nothing else"), "");
  EXPECT_EQ(statement_shape(""), "");
}

// The server cuts what is long, wherever that is.
TEST(statement_shape, a_value_that_was_cut_is_a_value_still) {
  for (const std::string value : {"'secret", "E'secret\\", "$$secret", "$tag$secret", "'se''cret"}) {
    EXPECT_EQ(statement_shape("SELECT " + value), "SELECT ?") << value;
  }
  EXPECT_EQ(statement_shape("SELECT /* secret"), "SELECT");
  EXPECT_EQ(statement_shape("SELECT \"name"), "SELECT \"name");
}

TEST(statement_shape, is_one_line_of_bounded_length_in_whole_characters) {
  EXPECT_EQ(statement_shape("SELECT\x01 x"), "SELECT? x");
  const std::string shape = statement_shape("SELECT " + std::string(151, 'x') + "\xc3\xa9 AND more");
  EXPECT_EQ(shape, "SELECT " + std::string(151, 'x') + "\xc3\xa9...");
  std::string longer = statement_shape("SELECT " + std::string(152, 'x') + "\xc3\xa9 AND more");
  EXPECT_EQ(longer, "SELECT " + std::string(152, 'x') + "...");
}

}  // namespace
}  // namespace assay::inside
