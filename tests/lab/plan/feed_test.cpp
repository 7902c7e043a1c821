#include "lab/model/feed.hpp"

#include <gtest/gtest.h>

#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

using model::read_feed;
using values = std::vector<std::string>;

TEST(feed, of_lines) {
  const plan_folder folder;
  folder.write("a.txt", "one\r\n\ntwo words\nthree");
  EXPECT_EQ(read_feed(folder.path("a.txt"), ""), (values{"one", "two words", "three"}));
  folder.write("b.txt", "\n\n");
  EXPECT_EQ(read_feed(folder.path("b.txt"), "").error(), folder.path("b.txt") + ": holds no value");
  EXPECT_EQ(read_feed(folder.path("a.txt"), "id").error(),
            folder.path("a.txt") + ": a column is of a .csv or .jsonl file");
}

TEST(feed, of_csv) {
  const plan_folder folder;
  const std::string path = folder.path("a.csv");
  folder.write("a.csv", "id,text\r\n1,\"a,\"\"b\"\"\nc\"\r\n2,\n3,x");
  EXPECT_EQ(read_feed(path, "text"), (values{"a,\"b\"\nc", "", "x"}));
  EXPECT_EQ(read_feed(path, "id"), (values{"1", "2", "3"}));
  EXPECT_EQ(read_feed(path, "").error(), path + ": expected \"column\", the name of one of its columns");
  folder.write("a.csv", "\xef\xbb\xbfid,text\n1,a\n");
  EXPECT_EQ(read_feed(path, "id"), (values{"1"})) << "with a spreadsheet's byte order mark";
  folder.write("a.csv", "id,text\n1,a\n2\n");
  EXPECT_EQ(read_feed(path, "id").error(), path + ":3: expected 2 fields");
  folder.write("a.csv", "id,text\n1,\"open\n");
  EXPECT_EQ(read_feed(path, "id").error(), path + ":2: expected 2 fields");
}

TEST(feed, of_json_lines) {
  const plan_folder folder;
  const std::string path = folder.path("a.jsonl");
  folder.write("a.jsonl",
               "{\"id\":1,\"name\":\"a\\\"b\"}\r\n\n{\"name\":\"c\",\"id\":-2.5}\n{\"id\":true,\"name\":\"\"}");
  EXPECT_EQ(read_feed(path, "id"), (values{"1", "-2.5", "true"}));
  EXPECT_EQ(read_feed(path, "name"), (values{"a\"b", "c", ""}));
  EXPECT_EQ(read_feed(path, "nam").error(), path + ":1: expected a text or a number in \"nam\"");
  EXPECT_EQ(read_feed(path, "").error(), path + ": expected \"column\", the name of a member of its objects");
  for (const char* bad : {"[1]", "{\"id\":", "1", "{\"id\":1} x"}) {
    folder.write("a.jsonl", std::string("{\"id\":0}\n") + bad);
    EXPECT_EQ(read_feed(path, "id").error(), path + ":2: expected a JSON object") << bad;
  }
  folder.write("a.jsonl", "{\"id\":0}\n{\"id\":{\"a\":1}}");
  EXPECT_EQ(read_feed(path, "id").error(), path + ":2: expected a text or a number in \"id\"");
}

}  // namespace
}  // namespace assay::plan
