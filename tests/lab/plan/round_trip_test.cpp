// What a plan says arrives; what is written decodes to the same plan again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/model/sha256.hpp"
#include "lab/plan/read.hpp"
#include "lab/plan/write.hpp"
#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

using namespace std::chrono_literals;

TEST(good_plan, decodes_to_what_it_says) {
  const plan_folder folder;
  folder.write("p.plan.yaml", good_plan);
  const auto read = read_plan(folder.path("p.plan.yaml"));
  ASSERT_TRUE(read.has_value()) << read.error();
  EXPECT_EQ(read->connections, 64U);
  EXPECT_EQ(read->conformance, folder.path("checks.yaml"));
  EXPECT_EQ(read->source_path, folder.path("p.plan.yaml"));
  EXPECT_EQ(read->source_sha256, model::sha256_hex(good_plan));

  const model::bound_route& order = read->workload.at(1);
  EXPECT_EQ(order.method, "POST");
  EXPECT_EQ(order.target, "/orders");
  EXPECT_EQ(order.values.at("who").choices, (std::vector<std::string>{"O\"Hara, Jo", "Ann"}));
  EXPECT_EQ(order.values.at("key").from, model::value_source::kind::uuid);
  EXPECT_EQ(order.expected, (std::vector<int>{201, 409}));
  EXPECT_EQ(read->workload.at(0).values.at("id").exponent, 0.9);

  ASSERT_EQ(read->phases.size(), 4U);
  EXPECT_EQ(read->phases[0].rate_per_s, 100);        // 1x
  EXPECT_EQ(read->phases[2].rate_per_s, 1000);       // 10x
  EXPECT_EQ(read->phases[2].full_rate_per_s, 2000);  // 10x of the full baseline
  EXPECT_EQ(read->phases[1].full_length, 10min);
  EXPECT_EQ(read->phases[2].shape, (std::vector<double>{0, 1.5, 3}));
  ASSERT_TRUE(read->phases[2].bursts.has_value());
  EXPECT_EQ(read->phases[2].bursts->of_rate_per_s, 4);
  EXPECT_EQ(read->phases[2].bursts->dispersion, (std::map<int, double>{{1, 2.0}}));
  EXPECT_FALSE(read->phases[1].bursts.has_value());
  EXPECT_EQ(read->phases[3].faults.at(0).latency_median, 150ms);
  EXPECT_EQ(read->phases[3].faults.at(1).kind, model::fault_kind::outage);

  ASSERT_EQ(read->candidates.size(), 3U);
  EXPECT_EQ(read->candidates[0].ready_timeout, 20s);
  EXPECT_EQ(read->candidates[1].name, "again");
  EXPECT_EQ(read->candidates[1].title, "The first (again)");
  EXPECT_EQ(read->candidates[1].command, read->candidates[0].command);
  EXPECT_EQ(read->candidates[2].url, "http://127.0.0.1:9");
  EXPECT_EQ(read->dependencies.at(0).schema, std::vector{folder.path("schema.sql")});
  EXPECT_EQ(read->dependencies.at(1).error_share, 0.01);
}

TEST(written_plan, decodes_to_the_same) {
  const plan_folder folder;
  const auto read = decode_plan(folder.path("p.plan.yaml"), good_plan);
  ASSERT_TRUE(read.has_value()) << read.error();
  const std::string written = plan_yaml(*read, {}, folder.path(""));
  const auto again = decode_plan(folder.path("p.plan.yaml"), written);
  ASSERT_TRUE(again.has_value()) << again.error() << "\n" << written;
  EXPECT_EQ(plan_yaml(*again, {}, folder.path("")), written);
  EXPECT_EQ(again->phases[2].full_rate_per_s, 2000);
  EXPECT_EQ(again->phases[2].shape, read->phases[2].shape);
  EXPECT_EQ(again->phases[2].bursts->dispersion, read->phases[2].bursts->dispersion);
  EXPECT_EQ(again->candidates[1].title, "The first (again)");
  EXPECT_EQ(again->workload[1].values.at("who").choices, read->workload[1].values.at("who").choices);
  EXPECT_EQ(again->workload[1].body, read->workload[1].body);
}

TEST(written_plan, keeps_its_visitors) {
  const plan_folder folder;
  const std::string text = changed(
      changed(good_plan, "    weight: 9\n", "    weight: 9\n    headers: {user-agent: \"v-{v}\"}\n"),
      "    values:\n      id:", "    values:\n      v: {visitor: {requests_mean: 5, single_share: 0.5}}\n      id:");
  const auto read = decode_plan(folder.path("p.plan.yaml"), text);
  ASSERT_TRUE(read.has_value()) << read.error();
  const std::string written = plan_yaml(*read, {}, folder.path(""));
  EXPECT_NE(written.find("v: {visitor: {requests_mean: 5, single_share: 0.5, at_a_time: 64}}"), std::string::npos);
  const auto again = decode_plan(folder.path("p.plan.yaml"), written);
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(again->workload[0].values.at("v").single_share, 0.5);
  const auto bare = decode_plan(folder.path("p.plan.yaml"), changed(text, ", single_share: 0.5", ""));
  ASSERT_TRUE(bare.has_value()) << bare.error();
  EXPECT_EQ(bare->workload[0].values.at("v").single_share, 0.2) << "as a geometric law has it";
  EXPECT_TRUE(
      decode_plan(folder.path("p.plan.yaml"), changed(text, "single_share: 0.5", "like_log: true"))
          .error()
          .ends_with("workload[0].values.v.visitor.like_log: for bindings only; assay plan writes the numbers out"));
}

constexpr const char* two_tasks = R"(background:
  - name: warm-cache
    every: 2s
    after: 1s
    request: POST /cache/warm?all=1
    headers: {x-key: "a b"}
    body: '{"n": 1}'
    timeout: 3s
    phases: [steady, burst]
  - {name: sums, every: 1m, command: [./sums, "{database}", "{url}"]}
)";

TEST(written_plan, keeps_its_background_tasks) {
  const plan_folder folder;
  const auto read = decode_plan(folder.path("p.plan.yaml"), std::string(good_plan) + two_tasks);
  ASSERT_TRUE(read.has_value()) << read.error();
  ASSERT_EQ(read->background.size(), 2U);
  const model::background_task& warm = read->background[0];
  EXPECT_EQ(warm.method, "POST");
  EXPECT_EQ(warm.target, "/cache/warm?all=1");
  EXPECT_EQ(warm.every, 2s);
  EXPECT_EQ(warm.times_in(read->phases), 6U) << "5, 7, ... 15 s of the trial: steady and burst are from 5 to 17 s";
  EXPECT_EQ(read->background[1].command, (std::vector<std::string>{"./sums", "{database}", "{url}"}));
  EXPECT_EQ(read->background[1].timeout, 30s);
  EXPECT_EQ(read->background[1].directory, folder.path(""));
  const std::string written = plan_yaml(*read, {}, folder.path(""));
  const auto again = decode_plan(folder.path("p.plan.yaml"), written);
  ASSERT_TRUE(again.has_value()) << again.error() << "\n" << written;
  EXPECT_EQ(plan_yaml(*again, {}, folder.path("")), written);
  EXPECT_EQ(again->background[0].headers, warm.headers);
  EXPECT_EQ(again->background[0].body, warm.body);
  EXPECT_EQ(again->background[0].after, 1s);
  EXPECT_EQ(again->background[0].phases, (std::vector<std::string>{"steady", "burst"}));
}

TEST(background_of_a_plan, that_is_wrong_is_refused) {
  const plan_folder folder;
  const auto error = [&](const std::string& from, const std::string& to) {
    const auto read = decode_plan(folder.path("p.plan.yaml"), changed(std::string(good_plan) + two_tasks, from, to));
    return read ? std::string("it was taken") : read.error();
  };
  const auto says = [](const std::string& what) { return testing::HasSubstr(what); };
  EXPECT_THAT(error("POST /cache", "post /cache"), says("background[0].request: expected a method and a path such as"));
  EXPECT_THAT(error("warm?all", "warm all"),
              says("background[0].request: \"/cache/warm all=1\" does not fit a request"));
  EXPECT_THAT(error("every: 2s", "every: 2ms"), says("background[0].every: expected a duration from 100ms to 24h"));
  EXPECT_THAT(error("    every: 2s\n", ""), says("background[0]: missing key \"every\""));
  EXPECT_THAT(error("x-key", "Host"), says("background[0].headers: \"Host\" is written by assay"));
  EXPECT_THAT(error("[steady, burst]", "[stedy]"), says("background[0].phases: no phase is called \"stedy\"; did you"));
  EXPECT_THAT(error("name: sums", "name: warm-cache"), says("background[1]: duplicate name \"warm-cache\""));
  EXPECT_THAT(error("{database}", "{databas}"), says("background[1].command: no dependency is called \"databas\""));
  EXPECT_THAT(error("command: [./sums", "request: GET /, command: [./sums"),
              says("background[1]: expected exactly one of request, command"));
  EXPECT_THAT(error("command: [./sums", "body: x, command: [./sums"),
              says("background[1]: \"body\" is of a request, and there is none"));
}

// Text that a careless writer would let YAML take for something else.
TEST(written_plan, keeps_any_text) {
  const plan_folder folder;
  auto read = decode_plan(folder.path("p.plan.yaml"), good_plan);
  ASSERT_TRUE(read.has_value()) << read.error();
  const std::vector<std::string> nasty = {"true",  "null",  "~",           "1e3",  "- x",        "a: b",  "#x",
                                          "'q'",   "\"q\"", "back\\slash", " led", "line\nline", "tab\t", "caf\u00e9",
                                          "{{x}}", "yes",   "0x1f",        "&a",   "*a",         "!t"};
  read->workload[1].values.at("who") = {
      .from = model::value_source::kind::choice, .text = {}, .choices = nasty, .feed = {}, .column = {}};
  read->workload[1].body += "\x01\x7f\n{{\"\\";
  read->name = "12";
  plan_notes notes;
  notes.head = {"one\nname: evil"};
  const std::string written = plan_yaml(*read, notes, folder.path(""));
  // A control character is refused in the file itself, not where it is written as an escape.
  const auto again = decode_plan(folder.path("p.plan.yaml"), written);
  ASSERT_TRUE(again.has_value()) << again.error() << "\n" << written;
  EXPECT_EQ(again->workload[1].values.at("who").choices, nasty);
  EXPECT_EQ(again->workload[1].body, read->workload[1].body);
  EXPECT_EQ(again->name, "12");
}

TEST(written_plan, leads_to_the_same_files_from_another_folder) {
  const plan_folder folder;
  const auto read = decode_plan(folder.path("p.plan.yaml"), good_plan);
  ASSERT_TRUE(read.has_value()) << read.error();
  folder.write("deeper/x.plan.yaml", plan_yaml(*read, {}, folder.path("deeper")));
  const auto again = read_plan(folder.path("deeper/x.plan.yaml"));
  ASSERT_TRUE(again.has_value()) << again.error();
  EXPECT_EQ(again->dependencies[0].schema, read->dependencies[0].schema);
  EXPECT_EQ(again->candidates[0].descriptor, read->candidates[0].descriptor);
}

TEST(sha256, of_known_texts) {  // FIPS 180-4 examples
  EXPECT_EQ(model::sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(model::sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

}  // namespace
}  // namespace assay::plan
