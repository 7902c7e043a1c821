// The page and the schema are the table's: they cannot drift from what is decoded.
#include "lab/plan/schema.hpp"

#include <gtest/gtest.h>

#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

TEST(keys_page, is_the_one_in_docs) {
  EXPECT_EQ(keys_page(), file_text(ASSAY_ROOT "/docs/plan-yaml.md"))
      << "write it again: assay plan --schema-doc > docs/plan-yaml.md";
}

TEST(schema, names_every_section_and_refuses_other_keys) {
  const std::string schema = plan_schema();
  for (const char* part : {"\"workload\"", "\"acknowledged_by\"", "\"#/$defs/fault\"",
                           "\"additionalProperties\": false", "\"maximum\": 1000,", "2020-12"}) {
    EXPECT_NE(schema.find(part), std::string::npos) << part;
  }
}

}  // namespace
}  // namespace assay::plan
