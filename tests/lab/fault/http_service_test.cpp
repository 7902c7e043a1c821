#include "lab/fault/http_service.hpp"

#include <gtest/gtest.h>

namespace assay::fault {
namespace {

TEST(reply, takes_its_number_from_the_path) {
  EXPECT_EQ(render_reply(R"({"value": {n}})", "/quotes/42"), R"({"value": 42})");
  EXPECT_EQ(render_reply(R"({"d": {n*7%31}})", "/quotes/42"), R"({"d": 15})");
  EXPECT_EQ(render_reply("{n}", "/v2/quotes/17/now"), "17");
  EXPECT_EQ(render_reply("{n}", "/none"), "0");
  EXPECT_EQ(render_reply("{n}", "/99999999999999999999999"), "0");
}

TEST(reply, leaves_other_text_as_it_is) {
  EXPECT_EQ(render_reply("{m} {n*x%3} {n*2%0} {", "/1"), "{m} {n*x%3} {n*2%0} {");
  EXPECT_EQ(render_reply("", "/1"), "");
}

}  // namespace
}  // namespace assay::fault
