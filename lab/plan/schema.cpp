#include "lab/plan/schema.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lab/plan/drafts.hpp"

namespace assay::plan {
namespace {

using json = nlohmann::ordered_json;

constexpr const char* duration_pattern = R"(^[0-9]+(\.[0-9]+)?(h|m|s|ms|us)$)";

json texts_of(json items) { return {{"type", "array"}, {"maxItems", most_items}, {"items", std::move(items)}}; }

json range_of(const key& described, const char* type) {
  if (type == std::string_view("integer")) {
    return {{"type", type},
            {"minimum", static_cast<std::int64_t>(described.least)},
            {"maximum", static_cast<std::int64_t>(described.greatest)}};
  }
  return {{"type", type}, {"minimum", described.least}, {"maximum", described.greatest}};
}

// A plain scalar that looks like a number is still a text to the decoder.
json text_schema() { return {{"type", {"string", "number", "boolean"}}}; }

json object_schema(const key& described) {
  json reference = {{"$ref", "#/$defs/" + described.inner->name}};
  if (!described.or_text) return reference;
  return {{"anyOf", {reference, {{"type", "string"}}}}};
}

json schema_of(const key& described) {
  switch (described.type) {
    case value_type::text:
      return text_schema();
    case value_type::flag:
      return {{"type", "boolean"}};
    case value_type::integer:
      return range_of(described, "integer");
    case value_type::number:
      return range_of(described, "number");
    case value_type::duration:
      return {{"type", "string"}, {"pattern", duration_pattern}};
    case value_type::rate:
      return {{"anyOf", {range_of(described, "number"), {{"type", "string"}, {"pattern", R"(^[0-9]+(\.[0-9]+)?x$)"}}}}};
    case value_type::word:
      return {{"enum", described.words}};
    case value_type::texts:
      return texts_of(text_schema());
    case value_type::integers:
      return texts_of(range_of(described, "integer"));
    case value_type::numbers:
      return texts_of(range_of(described, "number"));
    case value_type::text_map:
      return {{"type", "object"}, {"additionalProperties", text_schema()}};
    case value_type::object:
      return object_schema(described);
    case value_type::objects:
      return texts_of(object_schema(described));
    case value_type::object_map:
      return {{"type", "object"}, {"additionalProperties", object_schema(described)}};
  }
  return {};
}

json schema_of(const section& described) {
  json made = {{"type", "object"}, {"description", described.doc}, {"additionalProperties", false}};
  json required = json::array();
  for (const key& each : described.keys) {
    json& property = made["properties"][each.name] = schema_of(each);
    property["description"] = each.doc;
    if (each.needed) required.push_back(each.name);
  }
  if (!required.empty()) made["required"] = required;
  return made;
}

std::string type_text(const key& described) {
  const std::string inner = described.inner != nullptr ? fmt::format("[{0}](#{0})", described.inner->name) : "";
  const std::string shorter = described.or_text ? " or a text" : "";
  switch (described.type) {
    case value_type::text:
      return "text";
    case value_type::flag:
      return "true or false";
    case value_type::integer:
      return fmt::format("whole number, {:.0f} to {:.0f}", described.least, described.greatest);
    case value_type::number:
      return fmt::format("number, {} to {}", described.least, described.greatest);
    case value_type::duration:
      return fmt::format("duration, {} to {}",
                         default_text(std::chrono::nanoseconds(std::int64_t(described.least * 1e9))),
                         default_text(std::chrono::nanoseconds(std::int64_t(described.greatest * 1e9))));
    case value_type::rate:
      return fmt::format("number, {} to {}, or `10x`", described.least, described.greatest);
    case value_type::word:
      return fmt::format("{}", fmt::join(described.words, ", "));
    case value_type::texts:
      return "list of texts";
    case value_type::integers:
      return fmt::format("list of whole numbers, {:.0f} to {:.0f}", described.least, described.greatest);
    case value_type::numbers:
      return fmt::format("list of numbers, {} to {}", described.least, described.greatest);
    case value_type::text_map:
      return "name: text";
    case value_type::object:
      return inner + shorter;
    case value_type::objects:
      return fmt::format("list of {}{}", inner, shorter);
    case value_type::object_map:
      return fmt::format("name: {}{}", inner, shorter);
  }
  return "";
}

void add_section(std::string& page, const section& described) {
  page +=
      fmt::format("\n### {}\n\n{}.\n\n| key | value | default | |\n|---|---|---|---|\n", described.name, described.doc);
  for (const key& each : described.keys) {
    page += fmt::format("| `{}` | {} | {} | {} |\n", each.name, type_text(each),
                        each.needed             ? "required"
                        : each.fallback.empty() ? "none"
                                                : each.fallback,
                        each.doc);
  }
}

constexpr const char* page_head = R"(# Plan files, descriptors and bindings

Written by `assay plan --schema-doc` from the table that the decoder reads by; a test compares the two. For editors:
`assay plan --schema` prints the JSON Schema of a plan.

All three are YAML without anchors, aliases, tags and duplicate keys, up to 1 MiB. Paths are relative to the file they
stand in. A duration is a number and a unit: `250ms`, `30s`, `5m`, `1.5h`. In `target`, `headers` and `body`, `{name}`
is replaced by a value, and `{{` and `}}` are literal braces. Every error names file, line and column:

    shop.plan.yaml:12:5: unknown key "ratee" in phases[1]; did you mean "rate"?

`assay plan PROFILE --draft FILE` writes a binding to begin with: every route with what the profile tells of its values,
the rest marked "fill in". It makes no plan until that is done: no candidate stands in it, and each feed is a file that
is not there yet. With `--openapi FILE` bodies are drafted from the JSON schemas of the service's own description: the
schema's examples first, what is required after them; every value that the description does not give is named.

A binding without `phases` takes the usual ones, each with its reason in the plan: warm-up; baseline (the log's median
hour); peak (its busiest); daily cycle; soak (4 h at full length, or `soak`, at an even rate: leaks are judged in the
longest steady phase); ramp; burst (10x) and the worst burst of the log; settle; a slow and an absent database, a
hanging and an absent third party, each with the time after it; at last overload, 0.5x to 4x of `capacity_rate` or of
the peak in steps, and 0.8x of it afterwards. The rest of the process is no phase: all routes are mixed in each, and
`assay replay` sends a log itself.

Where no `objectives` stand in the binding, `assay plan` proposes some: a share of errors from the log's statuses and,
where the log has durations, p50 and p99 of all requests and of each route, all rounded up. Proposals are judged by
nobody. Objectives are judged in each steady phase; the report and `assay run` say which candidate did not keep them.
)";

}  // namespace

std::string plan_schema() {
  json made = {{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Assay plan"}};
  made.update(schema_of(plan_section()));
  for (const section* each : sections_from(plan_section())) {
    if (each != &plan_section()) made["$defs"][each->name] = schema_of(*each);
  }
  return made.dump(2) + "\n";
}

std::string keys_page() {
  std::string page = page_head;
  std::vector<const section*> shown;
  const auto add = [&](const char* heading, const section& root) {
    page += fmt::format("\n## {}\n", heading);
    for (const section* each : sections_from(root)) {
      if (std::ranges::find(shown, each) != shown.end()) continue;
      shown.push_back(each);
      add_section(page, *each);
    }
  };
  add("Plan: `*.plan.yaml`", plan_section());
  add("Descriptor: `candidate.yaml`", descriptor_section());
  add("Binding: `binding.yaml`", binding_section());
  return page;
}

}  // namespace assay::plan
