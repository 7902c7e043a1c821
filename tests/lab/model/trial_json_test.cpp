#include "lab/model/trial_json.hpp"
#include "tests/effort.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

namespace assay::model {
namespace {

using json = nlohmann::json;
using testing::HasSubstr;

// A trial with something in every field, different for every seed.
class trial_maker {
 public:
  explicit trial_maker(std::uint64_t seed) : random_(seed) {}

  trial make() {
    trial made;
    made.candidate = word();
    made.repeat = small();
    made.order = small();
    made.seed = random_();
    made.state = std::array{trial_state::complete, trial_state::invalid, trial_state::failed}[small() % 3];
    made.reasons = {word(), "quotes \" and \n newline, ümlaut, \xe2\x82\xac"};
    made.started_at = "2026-01-02T03:04:05Z";
    made.start_up_s = real();
    for (const auto kind :
         {phase_kind::warm_up, phase_kind::steady, phase_kind::burst, phase_kind::fault, phase_kind::recovery}) {
      made.phases.push_back({.name = word(),
                             .kind = kind,
                             .start_s = real(),
                             .length_s = real(),
                             .offered_rps = real(),
                             .all = measurement(),
                             .routes = {measurement()}});
    }
    made.seconds.assign(3, {real(), random_(), random_(), random_(), real(), real(), real()});
    made.processes.assign(
        2, {real(),    real(),    real(),    random_(), random_(), small(),   small(), small(), small(),   random_(),
            random_(), random_(), random_(), random_(), small(),   small(),   small(), small(), random_(), random_(),
            random_(), random_(), random_(), random_(), random_(), random_(), real(),  real(),  real()});
    made.limits = {.memory = {word(), random_(), random_()},
                   .descriptors = {word(), random_(), random_()},
                   .threads = {word(), random_(), random_()}};
    made.lag = {{word(), lag_quality::traced, real(), real(), real(), real(), real(), {{10, 4}, {500, 1}}, {{10, 0.5}}},
                {word(), lag_quality::sampled, 0, 0, 0, 0, 0, {}, {}}};
    made.blocking = {{word(), word(), word(), {word(), word()}, random_(), real(), real(), {real(), real()}}};
    made.databases = {{word(), word(), small()}};
    made.databases[0].looks.assign(2, {real(), small(), small(), small(), small(), small(), small(), real(), real()});
    made.databases[0].waits = {{"Lock: tuple", random_()}};
    made.databases[0].locks = {{word(), word(), word(), small() % 2 == 0, random_(), real()}};
    made.databases[0].holds = {{word(), random_(), real()}};
    made.databases[0].statements = {{word(), random_(), real(), random_()}};
    made.databases[0].notes = {word()};
    made.events = {{real(), real(), word(), word()}};
    if (small() % 2 == 0) made.recovery_s = real();
    made.writes = {true,     random_(),        random_(), random_(), {word()},
                   {word()}, {word(), word()}, random_(), random_(), random_()};
    made.generator = {real(), real(), real(), random_(), random_(), random_(), real(), real()};
    made.facts = {{"command", word()}, {"", ""}};
    return made;
  }

 private:
  unsigned small() { return static_cast<unsigned>(random_() % 1000); }
  double real() { return std::ldexp(static_cast<double>(random_()), -static_cast<int>(random_() % 90)); }
  std::string word() { return "w" + std::to_string(small()); }
  observe::histogram latency() {
    auto made = observe::histogram::with_defaults();
    for (unsigned i = small() % 50; i > 0; --i) made.record(random_() % 10'000'000'000);
    return made;
  }
  route_measurement measurement() {
    return {.route = word(),
            .offered = random_(),
            .answered = random_(),
            .answered_well = random_(),
            .errors = {{word(), random_()}},
            .statuses = {{200, random_()}, {503, small()}},
            .latency = {latency(), latency(), latency()}};
  }
  std::mt19937_64 random_;
};

bool same(const latency_histograms& a, const latency_histograms& b) {
  return a.response_time == b.response_time && a.service_time == b.service_time && a.send_lag == b.send_lag;
}

// The text holds every field; the histograms, whose text is not one to one, are compared as values.
void expect_same(const trial& a, const trial& b) {
  EXPECT_EQ(trial_to_json(a), trial_to_json(b));
  ASSERT_EQ(a.phases.size(), b.phases.size());
  for (std::size_t i = 0; i < a.phases.size(); ++i) {
    EXPECT_TRUE(same(a.phases[i].all.latency, b.phases[i].all.latency));
    EXPECT_TRUE(same(a.phases[i].routes[0].latency, b.phases[i].routes[0].latency));
  }
}

json sample() { return json::parse(trial_to_json(trial_maker(1).make())); }

std::string refusal(const json& document) {
  const auto read = trial_from_json(document.dump());
  return read ? "" : read.error();
}

TEST(trial_json, gives_back_every_trial_exactly) {
  for (std::uint64_t seed = 1; seed <= seeds_to_try(40); ++seed) {
    const trial made = trial_maker(seed).make();
    const auto read = trial_from_json(trial_to_json(made));
    ASSERT_TRUE(read) << read.error();
    expect_same(made, *read);
    EXPECT_EQ(made.seed, read->seed);
    EXPECT_EQ(made.start_up_s, read->start_up_s);
    EXPECT_EQ(made.recovery_s, read->recovery_s);
    EXPECT_EQ(made.state, read->state);
    EXPECT_EQ(made.lag[0].stalled_s, read->lag[0].stalled_s);
    EXPECT_EQ(made.phases[0].all.statuses, read->phases[0].all.statuses);
    EXPECT_EQ(made.reasons, read->reasons);
    EXPECT_EQ(made.facts, read->facts);
    EXPECT_EQ(made.limits, read->limits);
  }
}

TEST(trial_json, survives_what_json_cannot_hold) {
  trial made;
  made.reasons = {"cut \xc3", "nul \0 byte"};
  made.start_up_s = std::numeric_limits<double>::infinity();
  const auto read = trial_from_json(trial_to_json(made));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->reasons[0], "cut \xef\xbf\xbd");
  EXPECT_TRUE(std::isnan(read->start_up_s));
}

TEST(trial_json, refuses_what_is_no_trial) {
  EXPECT_THAT(trial_from_json("").error(), HasSubstr("is no JSON"));
  EXPECT_THAT(trial_from_json("{\"format\": \"assay.trial/3\"").error(), HasSubstr("is no JSON"));
  EXPECT_THAT(trial_from_json("[]").error(), HasSubstr("document: expected an object"));
  EXPECT_THAT(trial_from_json("{}").error(), HasSubstr("format: is missing"));
  EXPECT_THAT(trial_from_json(std::string(100'000, '[')).error(), HasSubstr("is no JSON"));
}

TEST(trial_json, refuses_other_versions) {
  json document = sample();
  document["format"] = "assay.trial/4";
  EXPECT_THAT(refusal(document), HasSubstr("expected \"assay.trial/3\", found \"assay.trial/4\""));
}

TEST(trial_json, names_the_key_that_is_wrong) {
  const auto refused_with = [](const char* pointer, const json& value) {
    json document = sample();
    document[json::json_pointer(pointer)] = value;
    return refusal(document);
  };
  EXPECT_EQ(refused_with("/phases/2/all/answered", "7"),
            "phases[2].all.answered: expected a whole number, zero or more, found a string");
  EXPECT_THAT(refused_with("/phases/0/all/offered", -1), HasSubstr("phases[0].all.offered: expected a whole number"));
  EXPECT_THAT(refused_with("/repeat", 5'000'000'000), HasSubstr("repeat: 5000000000 is out of range"));
  EXPECT_THAT(refused_with("/state", "done"), HasSubstr("state: expected one of \"complete\", \"invalid\""));
  EXPECT_THAT(refused_with("/phases", json::object()), HasSubstr("phases: expected a list"));
  EXPECT_THAT(refused_with("/start_up_s", "1"), HasSubstr("start_up_s: expected a number"));
  EXPECT_THAT(refused_with("/writes/done", 1), HasSubstr("writes.done: expected true or false"));
  EXPECT_THAT(refused_with("/lag/0/stalls/ten", 1), HasSubstr("lag[0].stalls.ten: expected a whole number as key"));
  EXPECT_THAT(refused_with("/blocking/0/stack/1", 5), HasSubstr("blocking[0].stack[1]: expected a string"));
  EXPECT_THAT(refused_with("/extra", 1), HasSubstr("document: holds a key that this version does not know"));
  EXPECT_THAT(refused_with("/writes/extra", 1), HasSubstr("writes: holds a key"));
  EXPECT_THAT(refused_with("/phases/0/all/latency/send_lag/hdr_v2", "AAAA"),
              HasSubstr("phases[0].all.latency.send_lag.hdr_v2: "));
  EXPECT_THAT(refused_with("/phases/0/all/latency/send_lag/sum_ns", "-1"), HasSubstr("send_lag.sum_ns: expected"));
  EXPECT_THAT(refused_with("/phases/0/all/latency/send_lag/max_ns", 3), HasSubstr("phases[0].all.latency.send_lag: "));
  json document = sample();
  document["writes"].erase("stored");
  EXPECT_EQ(refusal(document), "writes.stored: is missing");
}

TEST(trial_json, is_documented) {
  std::ifstream file(ASSAY_DOCS "/trial-json.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string docs = text.str();
  const json sampled = sample();
  std::vector<const json*> open{&sampled};
  while (!open.empty()) {
    const json* each = open.back();
    open.pop_back();
    for (const auto& [key, value] : each->items()) {
      const bool free_keys = key == "errors" || key == "statuses" || key == "facts" || key == "stalls" ||
                             key == "stalled_s" || key == "waits";
      if (each->is_object()) EXPECT_THAT(docs, HasSubstr("`" + key + "`"));
      if (value.is_structured() && !free_keys) open.push_back(&value);
    }
  }
}

}  // namespace
}  // namespace assay::model
