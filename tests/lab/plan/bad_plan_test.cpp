// What is wrong with a plan is said in one line, with its place and what was expected.
#include <gtest/gtest.h>

#include "lab/plan/read.hpp"
#include "lab/plan/yaml_tree.hpp"
#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

struct bad_input {
  const char* name;
  const char* from;
  const char* to;
  const char* error;  // behind the path of the file
};

const bad_input bad_inputs[] = {
    {"unknown_key", "rate: 100", "ratee: 100", ":23:5: unknown key \"ratee\" in phases[1]; did you mean \"rate\"?"},
    {"unknown_key_at_the_top", "seed: 7", "sede: 7", ":2:1: unknown key \"sede\"; did you mean \"seed\"?"},
    {"duplicate_key", "seed: 7", "name: 7", ":2:1: duplicate key \"name\", first in line 1"},
    {"negative_rate", "rate: 100", "rate: -3",
     ":23:11: phases[1].rate: expected a rate from 0.001 to 1000000 a second, found \"-3\""},
    {"rate_of_words", "rate: 100", "rate: fast",
     ":23:11: phases[1].rate: expected a rate such as 100, or 10x of the baseline, found \"fast\""},
    {"rate_not_a_number", "rate: 100", "rate: nan",
     ":23:11: phases[1].rate: expected a rate such as 100, or 10x of the baseline, found \"nan\""},
    {"rate_list", "rate: 100", "rate: [100]",
     ":23:11: phases[1].rate: expected a rate such as 100, or 10x of the baseline, found a list"},
    {"baseline_of_itself", "rate: 100", "rate: 2x",
     ":23:11: phases[1].rate: the first steady phase is the baseline; write its rate as a number"},
    {"length_without_unit", "length: 10s", "length: 10",
     ":24:13: phases[1].length: expected a duration such as 30s, 5m, 1.5h or 250ms, found \"10\""},
    {"length_of_nothing", "length: 10s", "length: 0s",
     ":24:13: phases[1].length: expected a duration from 1ms to 24h, found \"0s\""},
    {"missing_key", "    rate: 100\n", "",
     ":21:5: phases[1]: missing key \"rate\": requests a second, or 10x of the baseline"},
    {"nothing_for_text", "name: shop", "name:", ":1:1: name: expected a text, found nothing"},
    {"wrong_kind", "kind: steady", "kind: stedy",
     ":22:11: phases[1].kind: expected one of warm-up, steady, burst, fault, recovery, found \"stedy\""},
    {"no_steady_phase", "kind: steady", "kind: recovery",
     ":20:3: phases: expected at least one of kind steady, the baseline"},
    {"duplicate_phase", "{name: burst", "{name: steady", ":26:12: phases[2]: duplicate name \"steady\""},
    {"shape_of_nothing", "[0, 1.5, 3]", "[0, 0]", ":26:62: phases[2].shape: expected a number above 0"},
    {"shape_of_words", "[0, 1.5, 3]", "[0, up]",
     ":26:66: phases[2].shape[1]: expected a number from 0 to 1000000, found \"up\""},
    {"shape_beyond_any_rate", "rate: 10x, length: 2s", "rate: 900000, length: 2s",
     ":26:5: phases[2]: 1800000 requests a second are out of range 0.001 to 1000000"},
    {"bursts_of_nothing", "of_rate: 4, dispersion_1s: 2", "of_rate: 4",
     ":26:83: phases[2].bursts: expected at least one of dispersion_1s, dispersion_10s, dispersion_60s"},
    {"less_than_poisson", "dispersion_1s: 2", "dispersion_1s: 0.5",
     ":26:111: phases[2].bursts.dispersion_1s: expected a number from 1 to 1000000, found \"0.5\""},
    {"like_a_log_that_is_not_there", "length: 5s}\n  - name: steady", "length: 5s, like_log: hour}\n  - name: steady",
     ":20:68: phases[0].like_log: for bindings only; assay plan writes shape and bursts out"},
    {"too_many_repeats", "repeats: 3", "repeats: 3000",
     ":3:10: repeats: expected a whole number from 1 to 1000, found \"3000\""},
    {"half_a_repeat", "repeats: 3", "repeats: 2.5",
     ":3:10: repeats: expected a whole number from 1 to 1000, found \"2.5\""},
    {"unknown_reference", "reference: one", "reference: on",
     ":5:12: reference: no candidate is called \"on\"; did you mean \"one\"?"},
    {"missing_file", "checks.yaml", "no.yaml", ":4:14: conformance: FOLDER/no.yaml: no such file"},
    {"unbound_placeholder", "{idempotency-key: \"{key}\"}", "{idempotency-key: \"{kez}\"}",
     ":12:14: workload[1].headers: {kez} has no entry under values"},
    {"unused_value", "\"{key}\"", "key",
     ":15:7: workload[1].values: \"key\" is used in no placeholder of target, headers or body"},
    {"single_brace", "'{{\"customer\"", "'{\"customer\"",
     ":13:11: workload[1].body: column 1: { begins no {placeholder}; write {{ for a literal brace"},
    {"two_sources", "{feed: people.csv, column: name}", "{feed: people.csv, constant: x}",
     ":16:12: workload[1].values.who: expected exactly one of integer, zipf, choice, feed, uuid, sequence, visitor, "
     "constant"},
    {"unknown_source", "key: uuid", "key: guid",
     ":15:12: expected uuid, or one of {integer: ...}, {zipf: ...}, {choice: ...}, {feed: ...}, {sequence: ...}, "
     "{visitor: ...}, {constant: ...}, found \"guid\""},
    {"no_such_column", "column: name", "column: nam",
     ":16:12: workload[1].values.who: FOLDER/people.csv: no column \"nam\""},
    {"upside_down_zipf", "low: 1, high: 1000", "low: 9, high: 1",
     ":10:18: workload[0].values.id.zipf: expected low not above high"},
    {"bad_status", "[201, 409]", "[201, 999]",
     ":17:21: workload[1].expected[1]: expected a whole number from 100 to 599, found \"999\""},
    {"bad_route", "route: POST /orders", "route: /orders",
     ":11:12: workload[1].route: expected a method and a path such as GET /items/{id}, found \"/orders\""},
    {"reserved_header", "idempotency-key: \"{key}\"", "Content-Length: \"{key}\"",
     ":12:14: workload[1].headers: \"Content-Length\" is written by the load engine"},
    {"unknown_acknowledgement", "acknowledged_by: key", "acknowledged_by: kee",
     ":18:22: workload[1].acknowledged_by: no value is called \"kee\"; did you mean \"key\"?"},
    {"nothing_reconciles", ", reconcile: SELECT key FROM orders", "",
     ":18:22: workload[1].acknowledged_by: no postgres dependency has a \"reconcile\" query"},
    {"unknown_dependency", "dependency: database", "dependency: databse",
     ":32:22: phases[3].faults[0].dependency: no dependency is called \"databse\"; did you mean \"database\"?"},
    {"two_faults_in_one", "outage: true", "outage: true, reset: true",
     ":33:9: phases[3].faults[1]: expected exactly one of latency, outage, reset"},
    {"outage_of_words", "outage: true", "outage: maybe",
     ":33:43: phases[3].faults[1].outage: expected true or false, found \"maybe\""},
    {"fault_without_faults", "{name: burst, kind: burst", "{name: burst, kind: fault",
     ":26:5: phases[2]: a phase of kind fault needs \"faults\""},
    {"same_candidate_twice", "name: again", "name: one", ":41:34: candidates[1]: duplicate name \"one\""},
    {"descriptor_and_more", "name: again", "ours: true",
     ":41:28: candidates[1]: beside \"descriptor\" only name and title are allowed, not \"ours\""},
    {"no_descriptor", "- one.yaml", "- two.yaml", ":40:5: candidates[0]: FOLDER/two.yaml: no such file"},
    {"two_ways_to_start", "url: \"http://127.0.0.1:9\"", "url: \"http://127.0.0.1:9\", command: [x]",
     ":42:5: candidates[2]: expected exactly one of command, url"},
    {"no_port", "url: \"http://127.0.0.1:9\"", "command: [x]",
     ":42:5: candidates[2]: {port} stands neither in the command nor in the environment"},
    {"unknown_address", "url: \"http://127.0.0.1:9\"", "command: [x, \"{port}\", \"{redis}\"]",
     ":42:5: candidates[2]: no dependency is called \"redis\"; known are database, third-party"},
    {"alias", "seed: 7", "seed: *other", ":2:7: "},
    {"anchor", "seed: 7", "seed: &seven 7", ":2:7: anchors are not supported; write the value out"},
    {"tag", "seed: 7", "seed: !!int 7", ":2:7: tag \"tag:yaml.org,2002:int\" is not supported"},
    {"no_yaml", "seed: 7", "seed: [7", ":3:8: no valid YAML: "},
    {"control_character", "seed: 7", "seed: \x01", ":2:7: this byte is no UTF-8 text"},
    {"overlong_utf8", "seed: 7", "seed: \xc0\xaf", ":2:7: this byte is no UTF-8 text"},
};

class bad_plan : public testing::TestWithParam<bad_input> {};

TEST_P(bad_plan, is_refused_in_one_line) {
  const plan_folder folder;
  const std::string path = folder.path("bad.plan.yaml");
  folder.write("bad.plan.yaml", changed(good_plan, GetParam().from, GetParam().to));
  const auto read = read_plan(path);
  ASSERT_FALSE(read.has_value());
  std::string error = GetParam().error;
  if (error.contains("FOLDER")) error = changed(error, "FOLDER/", folder.path(""));
  if (error.ends_with(":") || error.ends_with(": ")) {  // the rest is the library's
    EXPECT_TRUE(read.error().starts_with(path + error)) << read.error();
  } else {
    EXPECT_EQ(read.error(), path + error);
  }
  EXPECT_FALSE(read.error().contains('\n'));
}

INSTANTIATE_TEST_SUITE_P(each, bad_plan, testing::ValuesIn(bad_inputs),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(bad_file, that_is_none) {
  const plan_folder folder;
  const std::string missing = folder.path("none.plan.yaml");
  EXPECT_EQ(read_plan(missing).error(), missing + ": no such file");
  EXPECT_EQ(read_plan(folder.path("")).error(), folder.path("") + ": no such file");
  EXPECT_EQ(decode_plan("x", "").error(), "x: the file is empty");
  EXPECT_EQ(decode_plan("x", "# nothing\n").error(), "x: the file is empty");
  EXPECT_EQ(decode_plan("x", "[1]").error(), "x:1:1: expected a mapping, found a list");
  EXPECT_EQ(decode_plan("x", "name: a\n---\nname: b\n").error(), "x: more than one YAML document");
}

TEST(bad_file, has_limits) {
  EXPECT_EQ(decode_plan("x", std::string(most_document_bytes + 1, ' ')).error(), "x: larger than 1048576 bytes");
  EXPECT_EQ(decode_plan("x", "name: " + std::string(50, '[') + std::string(50, ']')).error(),
            "x:1:22: nested deeper than 16 levels");
  std::string many = "repeats: [";
  for (std::size_t i = 0; i <= most_nodes; ++i) many += "1,";
  EXPECT_TRUE(decode_plan("x", many + "]").error().ends_with("more than 100000 values"));
}

TEST(candidate_at_url, wants_a_name_and_an_address) {
  const auto made = candidate_at_url("py=http://127.0.0.1:8000");
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->name, "py");
  EXPECT_EQ(made->url, "http://127.0.0.1:8000");
  EXPECT_EQ(made->ready_path, "/");
  for (const char* bad :
       {"", "py", "py=", "=http://x", "py=ftp://x", "p y=http://x", "py=http://x\", ours: \"true", "py=http://x\n"}) {
    EXPECT_FALSE(candidate_at_url(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace assay::plan
