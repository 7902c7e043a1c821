// A profile and samples of its log make a plan of what is safe to send again.
#include "lab/plan/from_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/plan/read.hpp"
#include "lab/plan/write.hpp"
#include "lab/plan/yaml_tree.hpp"
#include "tests/lab/plan/plan_support.hpp"

namespace assay::plan {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using kind = model::value_source::kind;

class from_log : public testing::Test {
 protected:
  from_log() {
    model::route& items = add("GET", "/items/{id}", 6'000);
    items.placeholders.emplace_back();
    items.placeholders[0].name = "id";
    items.placeholders[0].shape = "integer";
    items.placeholders[0].distinct = 90;
    items.placeholders[0].least = 1;
    items.placeholders[0].greatest = 100;
    items.placeholders[0].zipf_exponent = 0.8;
    sample("GET /items/{id}", {"17"}, "", 200);
    sample("GET /items/{id}", {"3"}, "", 304);
    add("GET", "/items", 3'000);
    sample("GET /items", {}, "?page=2", 200);
    sample("GET /items", {}, "", 200);
    add("POST", "/orders", 990);
    sample("POST /orders", {}, "", 201);
    add("GET", "/rare", 3);
    profile_.arrival.median_hour_per_s = 4;
    options_.name = "py-go";
    options_.log_name = "access.log";
  }

  model::route& add(const char* method, const char* path, std::uint64_t requests) {
    model::route made;
    made.method = method;
    made.path = path;
    made.requests = requests;
    profile_.routes.push_back(made);
    return profile_.routes.back();
  }
  void sample(const std::string& route, std::vector<std::string> values, std::string query, int status) {
    model::route_samples& of = samples_[route];
    ++of.answered;
    of.requests.push_back({.values = std::move(values), .query = std::move(query), .status = status});
  }
  std::expected<bound_plan, std::string> made() {
    return plan_from_log(profile_, samples_,
                         {*candidate_at_url("py=http://127.0.0.1:1"), *candidate_at_url("go=http://127.0.0.1:2")},
                         options_);
  }
  static const model::bound_route* find(const bound_plan& in, const std::string& name) {
    const auto found = std::ranges::find(in.plan.workload, name, &model::bound_route::name);
    return found == in.plan.workload.end() ? nullptr : &*found;
  }

  model::profile profile_;
  model::log_samples samples_;
  from_log_options options_;
};

TEST_F(from_log, sends_what_is_safe_with_the_values_of_the_log) {
  const auto plan = made();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  ASSERT_EQ(plan->plan.workload.size(), 2U);
  const model::bound_route* const items = find(*plan, "GET /items/{id}");
  ASSERT_NE(items, nullptr);
  EXPECT_EQ(items->target, "/items/{id}");
  EXPECT_EQ(items->weight, 6'000);
  const model::value_source& id = items->values.at("id");
  EXPECT_EQ(id.from, kind::zipf);
  EXPECT_EQ(id.low, 1);
  EXPECT_EQ(id.high, 100);
  EXPECT_EQ(id.exponent, 0.8);
  const model::bound_route* const list = find(*plan, "GET /items");
  ASSERT_NE(list, nullptr);
  EXPECT_EQ(list->target, "/items{query}");
  EXPECT_EQ(list->values.at("query").choices, (std::vector<std::string>{"", "?page=2"}));
}

TEST_F(from_log, leaves_out_aloud_what_changes_data) {
  const auto plan = made();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(find(*plan, "POST /orders"), nullptr);
  EXPECT_THAT(plan->notices, Contains(HasSubstr("not sent: POST /orders, 9.91 % of the requests: POST changes data")));
  EXPECT_THAT(plan->notices, Contains(HasSubstr("not sent: 1 route below 0.1 % of the requests")));
  options_.unsafe = true;
  const auto unsafe = made();
  ASSERT_TRUE(unsafe.has_value()) << unsafe.error();
  ASSERT_NE(find(*unsafe, "POST /orders"), nullptr);
  EXPECT_THAT(unsafe->notices, Contains(HasSubstr("sent with an empty body: POST /orders")));
}

TEST_F(from_log, draws_from_the_values_seen_where_numbers_leave_gaps) {
  profile_.routes[0].placeholders[0].greatest = 1'000'000;
  const auto sparse = made();
  ASSERT_TRUE(sparse.has_value()) << sparse.error();
  EXPECT_EQ(find(*sparse, "GET /items/{id}")->values.at("id").choices, (std::vector<std::string>{"17", "3"}));
  profile_.routes[0].placeholders[0].greatest = 100;
  profile_.routes[0].placeholders[0].zipf_exponent.reset();
  EXPECT_EQ(find(*made(), "GET /items/{id}")->values.at("id").from, kind::integer);
  samples_["GET /items/{id}"].requests[0].values = {"017"};  // as codes have it: no numbers
  EXPECT_EQ(find(*made(), "GET /items/{id}")->values.at("id").from, kind::choice);
}

TEST_F(from_log, is_ready_when_it_answers_what_the_log_answers) {
  auto plan = made();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  EXPECT_EQ(plan->plan.candidates[1].ready_path, "/items?page=2");  // needs no item to be there
  samples_.erase("GET /items");
  EXPECT_EQ(made()->plan.candidates[0].ready_path, "/items/17");
  samples_["GET /items/{id}"].requests[0].status = 302;
  EXPECT_EQ(made()->plan.candidates[0].ready_path, "/");
}

TEST_F(from_log, is_sped_up_to_what_can_be_measured) {
  const auto rates = [this] {
    std::vector<double> found;
    for (const model::phase& each : made()->plan.phases) found.push_back(each.rate_per_s);
    return found;
  };
  EXPECT_EQ(rates(), (std::vector<double>{20, 20, 100, 20}));
  EXPECT_THAT(made()->notices, Contains(HasSubstr("median hour has 4/s: scaled up by 5")));
  profile_.arrival.median_hour_per_s = 80;
  EXPECT_EQ(rates(), (std::vector<double>{80, 80, 400, 80}));
  options_.steady_per_s = 2;
  EXPECT_EQ(rates(), (std::vector<double>{2, 2, 10, 2}));
  EXPECT_EQ(made()->plan.phases[1].length, 20s);
}

// Whatever stands in a log, the plan that is written decodes to what was meant.
TEST_F(from_log, survives_its_own_file) {
  profile_.routes[0].placeholders.clear();
  samples_["GET /items/{id}"].requests.clear();
  for (const char* value : {"true", "-", "{x}", "a:b", "'", "%22", "null", "12"}) {
    sample("GET /items/{id}", {value}, "", 200);
  }
  sample("GET /items", {}, "?q={a}&b=[1]", 200);
  const auto plan = made();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  const plan_folder folder;
  const std::string text = plan_yaml(plan->plan, plan->notes, folder.path(""));
  const auto again = decode_plan(folder.path("x.plan.yaml"), text);
  ASSERT_TRUE(again.has_value()) << again.error() << "\n" << text;
  EXPECT_EQ(again->workload[0].values.at("id").choices, plan->plan.workload[0].values.at("id").choices);
  EXPECT_EQ(again->workload[1].values.at("query").choices, plan->plan.workload[1].values.at("query").choices);
  EXPECT_EQ(again->candidates[0].ready_path, plan->plan.candidates[0].ready_path);
  EXPECT_EQ(again->reference, "py");
}

TEST_F(from_log, keeps_within_the_limits_of_a_plan_file) {
  profile_.routes[0].placeholders.clear();
  for (int i = 0; i < 2'000; ++i) sample("GET /items/{id}", {std::string(1'000, 'a') + std::to_string(i)}, "", 200);
  const auto plan = made();
  ASSERT_TRUE(plan.has_value()) << plan.error();
  const std::string text = plan_yaml(plan->plan, plan->notes, "/");
  EXPECT_LT(text.size(), most_document_bytes);
  EXPECT_GT(find(*plan, "GET /items/{id}")->values.at("id").choices.size(), 100U);
}

TEST_F(from_log, without_anything_to_send_is_an_error_in_one_line) {
  samples_.clear();
  EXPECT_THAT(made().error(),
              HasSubstr("access.log: no GET or HEAD route that could be sent again; 1 route changes data"));
  profile_.routes.clear();
  EXPECT_EQ(made().error(), "access.log: no GET or HEAD route with an answer below 400 that could be sent again");
}

}  // namespace
}  // namespace assay::plan
