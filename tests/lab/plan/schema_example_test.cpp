// Bodies that a schema describes: its own examples first, the rest made up and said to be.
#include "lab/plan/schema_example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/plan/openapi.hpp"

namespace assay::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The document is the schema, with what references lead to beside it.
schema_example of(const std::string& text) {
  const auto root = parse_yaml("api.yaml", text, openapi_limits);
  EXPECT_TRUE(root.has_value()) << root.error();
  if (!root) return {};
  const yaml_node* const schema = root->find("schema");
  EXPECT_NE(schema, nullptr) << text;
  return schema != nullptr ? example_of(*root, *schema) : schema_example{};
}

TEST(schema_example, takes_what_the_schema_gives) {
  EXPECT_EQ(of("schema: {type: string, example: '5', enum: [a]}").json, "\"5\"");
  EXPECT_EQ(of("schema: {type: integer, example: 5}").json, "5");
  EXPECT_EQ(of("schema: {type: string, default: true}").json, "\"true\"");
  EXPECT_EQ(of("schema: {enum: [red, blue]}").json, "\"red\"");
  EXPECT_EQ(of("schema: {type: string, examples: [one, two]}").json, "\"one\"");
  EXPECT_EQ(of("schema: {const: 1.5}").json, "1.5");
  EXPECT_EQ(of("schema: {type: string, example: \"a\\\"b\\\\c\\n\"}").json, R"("a\"b\\c\u000a")");
  const auto whole = of(R"(
schema:
  type: object
  properties: {zip: {type: string}, sizes: {type: array, items: {type: number}}}
  example: {zip: 01234, sizes: [1, 2.5], note: 007, gone: null})");
  EXPECT_EQ(whole.json, R"({"zip":"01234","sizes":[1,2.5],"note":"007","gone":null})");
  EXPECT_THAT(whole.made_up, IsEmpty());
}

TEST(schema_example, makes_up_what_is_required_and_says_so) {
  const auto made = of(R"(
schema:
  type: object
  required: [customer, lines, agreed]
  properties:
    id: {type: integer, readOnly: true}
    customer: {$ref: '#/defs/customer~1v1'}
    note: {type: string}
    channel: {type: string, default: web}
    agreed: {type: boolean}
    lines:
      type: array
      minItems: 2
      items:
        type: object
        required: [quantity, price]
        properties: {quantity: {type: integer, minimum: 0, exclusiveMinimum: true}, price: {type: number, minimum: 2}}
defs:
  customer/v1:
    allOf:
      - {type: object, required: [name], properties: {name: {type: string, minLength: 6}}}
      - {required: [mail], properties: {mail: {type: string, format: email}}}
)");
  EXPECT_EQ(made.json, R"({"customer":{"name":"texttext","mail":"user@example.com"},"channel":"web","agreed":true,)"
                       R"("lines":[{"quantity":1,"price":2},{"quantity":1,"price":2}]})");
  EXPECT_THAT(made.made_up, ElementsAre("/customer/name", "/customer/mail", "/agreed", "/lines/0/quantity",
                                        "/lines/0/price", "/lines/1/quantity", "/lines/1/price"));
}

TEST(schema_example, keeps_bounds) {
  EXPECT_EQ(of("schema: {type: integer, minimum: 7, multipleOf: 5}").json, "10");
  EXPECT_EQ(of("schema: {type: integer, exclusiveMinimum: 7}").json, "8");
  EXPECT_EQ(of("schema: {type: integer, maximum: -3}").json, "-3");
  EXPECT_EQ(of("schema: {type: number, maximum: 0.25}").json, "0.25");
  EXPECT_EQ(of("schema: {type: [\"null\", string], maxLength: 2}").json, "\"te\"");
  EXPECT_EQ(of("schema: {type: string, format: uuid}").json, "\"00000000-0000-4000-8000-000000000000\"");
  EXPECT_EQ(of("schema: {type: array, maxItems: 0, items: {type: string}}").json, "[]");
  EXPECT_EQ(of("schema: {oneOf: [{type: boolean}, {type: string}]}").json, "true");
}

TEST(schema_example, is_none_where_nothing_can_be_made) {
  const auto why = [](const std::string& text) {
    const schema_example made = of(text);
    EXPECT_EQ(made.json, "");
    return made.why_not;
  };
  EXPECT_THAT(why("schema: {$ref: '#/defs/none'}"), HasSubstr("\"#/defs/none\" is not in the document"));
  EXPECT_THAT(why("schema: {$ref: 'other.yaml#/a'}"), HasSubstr("is not in the document"));
  EXPECT_THAT(why("schema: {$ref: '#/schema'}"), HasSubstr("a reference leads to itself"));
  EXPECT_THAT(why("schema: {required: [x], properties: {x: {$ref: '#/schema'}}}"), HasSubstr("contains itself"));
  EXPECT_THAT(why("schema: {allOf: [{$ref: '#/schema'}]}"), HasSubstr("contains itself"));
  EXPECT_THAT(why("schema: {type: string, pattern: '^a+$'}"), HasSubstr("pattern"));
  EXPECT_THAT(why("schema: {type: integer, minimum: 3, maximum: 2}"), HasSubstr("no number fits its bounds"));
  EXPECT_THAT(why("schema: {type: array, minItems: 1000, items: {type: string}}"), HasSubstr("too many items"));
  EXPECT_THAT(why("schema: {type: string, minLength: 100000}"), HasSubstr("too long a text"));
  // Eight of eight of eight: what is short in the file has no end in the example.
  std::string wide = "{type: string, minLength: 200}";
  for (int i = 0; i < 6; ++i) wide = "{type: array, minItems: 8, items: " + wide + "}";
  EXPECT_THAT(why("schema: " + wide), HasSubstr("too long"));
}

TEST(schema_example, is_found_in_a_description) {
  const auto read = openapi_routes_in("api.yaml", R"(openapi: 3.0.3
servers: [{url: https://api.example.com/v1}]
paths:
  /orders/{id}/notes:
    post: {requestBody: {$ref: '#/components/requestBodies/note'}}
    put: {requestBody: {content: {text/plain: {schema: {type: string}}}}}
    patch: {requestBody: {content: {application/merge-patch+json: {schema: {type: object}, example: {text: hi}}}}}
    get: {}
  /batch:
    post:
      requestBody:
        content: {application/json: {schema: {type: array}, examples: {first: {value: [1, 2]}}}}
components:
  requestBodies:
    note: {content: {application/json: {schema: {$ref: '#/components/schemas/note'}}}}
  schemas:
    note: {type: object, required: [text], properties: {text: {type: string, example: "a {b}"}}}
)");
  ASSERT_TRUE(read.has_value()) << read.error();
  ASSERT_EQ(read->bodies.size(), 3U);
  EXPECT_EQ(read->bodies.at("POST /v1/orders/{id}/notes").example.json, R"({"text":"a {b}"})");
  EXPECT_EQ(read->bodies.at("POST /v1/orders/{id}/notes").content_type, "application/json");
  EXPECT_EQ(read->bodies.at("PATCH /v1/orders/{id}/notes").example.json, R"({"text":"hi"})");
  EXPECT_EQ(read->bodies.at("PATCH /v1/orders/{id}/notes").content_type, "application/merge-patch+json");
  EXPECT_EQ(read->bodies.at("POST /v1/batch").example.json, "[1,2]");
  const auto old = openapi_routes_in("api.json", R"({"swagger": "2.0", "paths": {"/a": {"post": {"parameters": [
    {"in": "query", "name": "q"}, {"in": "body", "name": "b", "schema": {"type": "integer", "minimum": 4}}]}}}})");
  ASSERT_TRUE(old.has_value()) << old.error();
  EXPECT_EQ(old->bodies.at("POST /a").example.json, "4");
  EXPECT_THAT(old->bodies.at("POST /a").example.made_up, ElementsAre(""));
}

}  // namespace
}  // namespace assay::plan
