// JSON that somebody has sent: what is read, and what is said of what is wrong with it.
#include "stack/http/json_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::http {
namespace {

using ::testing::ElementsAre;

TEST(json_reader, reads_members_into_their_types) {
  json_reader in(
      R"({"id":7,"low":-128,"large":18446744073709551615,"price":4.5,"round":3.0,"exact":9007199254740991.0,"whole":2,)"
      R"("name":"t\u00e9\n","yes":true,"nothing":null,"other":[{}]})");
  EXPECT_EQ(in.get<std::int64_t>("id"), 7);
  EXPECT_EQ(in.get<std::int8_t>("low"), -128);
  EXPECT_EQ(in.get<std::uint64_t>("large"), UINT64_MAX);
  EXPECT_EQ(in.get<double>("price"), 4.5);
  EXPECT_EQ(in.get<double>("whole"), 2.0);
  EXPECT_EQ(in.get<int>("round"), 3);
  EXPECT_EQ(in.get<std::int64_t>("exact"), 9'007'199'254'740'991);
  EXPECT_EQ(in.get<std::string>("name"), "té\n");
  EXPECT_TRUE(in.get<bool>("yes"));
  EXPECT_EQ(in.find<int>("id"), 7);
  EXPECT_EQ(in.find<int>("nothing"), std::nullopt);
  EXPECT_EQ(in.find<std::string>("absent"), std::nullopt);
  EXPECT_TRUE(in.ok()) << in.wrong();
}

TEST(json_reader, reads_objects_and_lists_within) {
  json_reader in(R"({"to":{"city":"Bern"},"lines":[{"sku":"a","count":1},{"sku":"b","count":2}],"tags":["x","y"],)"
                 R"("none":[]})");
  EXPECT_EQ(in.object("to").get<std::string>("city"), "Bern");
  std::vector<std::string> skus;
  int count = 0;
  for (json_reader& each : in.list("lines")) {
    skus.push_back(each.get<std::string>("sku"));
    count += each.get<int>("count");
  }
  std::vector<std::string> tags;
  for (json_reader& each : in.list("tags")) tags.push_back(each.value<std::string>());
  EXPECT_THAT(skus, ElementsAre("a", "b"));
  EXPECT_THAT(tags, ElementsAre("x", "y"));
  EXPECT_EQ(count, 3);
  EXPECT_TRUE(in.list("none").empty());
  EXPECT_TRUE(in.ok()) << in.wrong();
}

struct complaint {
  const char* name;
  std::string text;
  void (*ask)(json_reader& in);
  std::string wrong;
};

void PrintTo(const complaint& of, std::ostream* to) { *to << of.name; }

void ask_nothing(json_reader&) {}
void ask_id(json_reader& in) { EXPECT_EQ(in.get<std::uint16_t>("id"), 0); }
void ask_large(json_reader& in) { EXPECT_EQ(in.get<std::uint64_t>("large"), 0U); }
void ask_low(json_reader& in) { EXPECT_EQ(in.get<std::int64_t>("low"), 0); }
void ask_name(json_reader& in) { EXPECT_EQ(in.get<std::string>("name"), ""); }
void ask_optional_name(json_reader& in) { EXPECT_EQ(in.find<std::string>("name"), std::nullopt); }
void ask_flag(json_reader& in) { EXPECT_FALSE(in.get<bool>("flag")); }
void ask_price(json_reader& in) { EXPECT_EQ(in.get<double>("price"), 0.0); }
void ask_city(json_reader& in) { EXPECT_EQ(in.object("to").get<std::string>("city"), ""); }
void ask_lines(json_reader& in) {
  for (json_reader& each : in.list("lines")) std::ignore = each.get<int>("count");
}
void ask_tags(json_reader& in) {
  for (json_reader& each : in.list("tags")) std::ignore = each.value<std::string>();
}
void ask_twice(json_reader& in) {
  ask_id(in);
  ask_name(in);
}
void ask_and_refuse(json_reader& in) {
  if (in.get<int>("count") < 1) in.refuse("count", "at least 1");
}

class json_complaint_test : public ::testing::TestWithParam<complaint> {};

TEST_P(json_complaint_test, names_the_member_and_what_was_expected) {
  json_reader in(GetParam().text, {.max_depth = 4, .max_values = 10});
  GetParam().ask(in);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.wrong(), GetParam().wrong);
}

INSTANTIATE_TEST_SUITE_P(
    all, json_complaint_test,
    ::testing::Values(
        complaint{"empty", "", ask_nothing, "not JSON, at byte 1"},
        complaint{"cut", R"({"id":7)", ask_nothing, "not JSON, at byte 8"},
        complaint{"behind", R"({"id":7} x)", ask_nothing, "not JSON, at byte 10"},
        complaint{"no_utf8", "{\"id\":\"\xff\"}", ask_nothing, "not JSON, at byte 8"},
        complaint{"twice", R"({"id":1,"a":2,"id":3})", ask_nothing, R"("id" is there twice)"},
        complaint{"too_deep", R"({"a":[[[[1]]]]})", ask_nothing, "nested deeper than 4"},
        complaint{"too_many", R"({"a":[1,2,3,4,5,6,7,8,9]})", ask_nothing, "more than 10 values"},
        complaint{"no_object", "[1]", ask_id, "expected an object, is a list"},
        complaint{"missing", "{}", ask_id, "id: missing"},
        complaint{"null", R"({"id":null})", ask_id, "id: expected a value, is null"},
        complaint{"text_for_number", R"({"id":"two"})", ask_id,
                  R"(id: expected a whole number from 0 to 65535, is "two")"},
        complaint{"fraction", R"({"id":1.5})", ask_id, "id: expected a whole number from 0 to 65535, is 1.5"},
        complaint{"below", R"({"id":-1})", ask_id, "id: expected a whole number from 0 to 65535, is -1"},
        complaint{"beyond", R"({"id":65536})", ask_id, "id: expected a whole number from 0 to 65535, is 65536"},
        complaint{"far_beyond", R"({"id":1e300})", ask_id, "id: expected a whole number from 0 to 65535, is 1e+300"},
        complaint{"number_for_text", R"({"name":7})", ask_name, "name: expected text, is 7"},
        complaint{"optional_of_another_kind", R"({"name":{}})", ask_optional_name, "name: expected text, is an object"},
        complaint{"number_for_flag", R"({"flag":1})", ask_flag, "flag: expected true or false, is 1"},
        complaint{"text_for_real", R"({"price":"4"})", ask_price, R"(price: expected a number, is "4")"},
        complaint{"within", R"({"to":{"city":7}})", ask_city, "to.city: expected text, is 7"},
        complaint{"missing_object", "{}", ask_city, "to: missing"},
        complaint{"list_for_object", R"({"to":[]})", ask_city, "to: expected an object, is a list"},
        complaint{"element", R"({"lines":[{"count":1},{"count":"x"}]})", ask_lines,
                  R"(lines[1].count: expected a whole number from -2147483648 to 2147483647, is "x")"},
        complaint{"element_of_another_kind", R"({"lines":[{"count":1},7]})", ask_lines,
                  "lines[1]: expected an object, is 7"},
        complaint{"object_for_list", R"({"lines":{}})", ask_lines, "lines: expected a list, is an object"},
        complaint{"value", R"({"tags":["a",null]})", ask_tags, "tags[1]: expected text, is null"},
        complaint{"the_first_stays", R"({"name":7})", ask_twice, "id: missing"},
        complaint{"long_text", R"({"id":")" + std::string(100, 'x') + R"("})", ask_id,
                  "id: expected a whole number from 0 to 65535, is \"" + std::string(40, 'x') + "...\""},
        complaint{"long_text_is_cut_between_characters", R"({"id":")" + std::string(38, 'x') + R"(\u20ac\u20ac"})",
                  ask_id, "id: expected a whole number from 0 to 65535, is \"" + std::string(38, 'x') + "...\""},
        complaint{"long_text_of_whole_characters", R"({"id":")" + std::string(37, 'x') + R"(\u20ac\u20ac"})", ask_id,
                  "id: expected a whole number from 0 to 65535, is \"" + std::string(37, 'x') + "€...\""},
        complaint{"inexact", R"({"large":9007199254740993.0})", ask_large,
                  "large: expected a whole number from 0 to 18446744073709551615, is 9.007199254740992e+15"},
        complaint{"inexact_below", R"({"low":-9007199254740993.0})", ask_low,
                  "low: expected a whole number from -9223372036854775808 to 9223372036854775807, is "
                  "-9.007199254740992e+15"},
        complaint{"of_the_caller", R"({"count":0})", ask_and_refuse, "count: expected at least 1"}),
    [](const auto& of) { return std::string(of.param.name); });

}  // namespace
}  // namespace assay::http
