// co_await as an operand, and statements that suspend in their middle.
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/task.hpp"

namespace conformance::expressions {
namespace {

struct bindable {
  tracked item;
  int extra;
};

// Logs when it runs, so that the order of evaluation can be compared.
task<int> logged(char name, int value) {
  log_event(name);
  co_await checkpoint{};
  co_return value;
}
task<bool> marked(bool value) {
  mark();
  co_await checkpoint{};
  co_return value;
}
task<int> add(int a, int b) {
  co_await checkpoint{};
  co_return a + b;
}
task<std::vector<tracked>> three_objects() {
  co_await checkpoint{};
  co_return std::vector<tracked>{tracked(1), tracked(2), tracked(3)};
}

struct reference_awaiter {
  int* target;
  bool await_ready() const noexcept { return !leaf_suspends(); }
  void await_suspend(std::coroutine_handle<> self) const { queue_suspended(self); }
  int& await_resume() const noexcept { return *target; }
};

task<int> ternary_scalar(bool which) { co_return which ? co_await give(1) : 2; }
task<int> ternary_object(bool which) {
  const tracked chosen = which ? co_await give(tracked(1)) : tracked(2);
  co_return chosen.value();
}
task<int> ternary_awaits(bool which) {
  const tracked chosen = which ? co_await give(tracked(1)) : co_await give(tracked(2));
  co_return chosen.value();
}
task<int> ternary_condition() {
  const tracked chosen = co_await give(true) ? tracked(1) : tracked(2);
  co_return chosen.value();
}
task<int> ternary_argument(bool which) {
  co_return co_await read_value(which ? co_await give(tracked(1)) : tracked(2));
}
task<std::string> ternary_text(bool which) {
  co_return which ? co_await give(std::string(40, 'a')) : std::string(40, 'b');
}

task<int> comma() { co_return (co_await logged('a', 1), co_await logged('b', 2)); }
task<bool> and_skips() { co_return co_await marked(false) && co_await marked(true); }
task<bool> or_skips() { co_return co_await marked(true) || co_await marked(false); }
task<bool> and_continues() { co_return co_await marked(true) && co_await marked(true); }

task<int> binding_pair() {
  const auto [object, extra] = co_await give(std::pair(tracked(1), 2));
  co_return object.value() + extra;
}
task<int> binding_aggregate() {
  bindable source{tracked(1), 2};
  auto [item, extra] = co_await give(std::move(source));
  co_return item.value() + extra;
}
task<int> binding_in_loop() {
  int total = 0;
  for (int i = 0; i < 10; ++i) {
    auto [object, extra] = co_await give(std::pair(tracked(i), 1));
    co_await checkpoint{};
    total += object.value() + extra;
  }
  co_return total;
}

task<int> range_awaited() {
  int total = 0;
  for (const tracked& object : co_await three_objects()) total += object.value();
  co_return total;
}
task<int> range_body_awaits() {
  int total = 0;
  for (const tracked& object : co_await three_objects()) total += co_await read_reference(object);
  co_return total;
}
task<int> switch_body() {
  int total = 0;
  switch (const int start = 1; start) {
    case 1:
      total += co_await give(1);
      [[fallthrough]];
    case 2:
      total += co_await give(2);
      break;
    default:
      total += co_await give(100);
  }
  co_return total;
}
task<int> goto_back() {
  int rounds = 0;
again:
  const tracked object(co_await give(rounds));
  if (++rounds < 3) goto again;
  co_return rounds * 10 + object.value();
}
task<int> break_and_continue() {
  int total = 0;
  for (int i = 0;; ++i) {
    const tracked object(i);
    if (co_await give(i) == 1) continue;
    if (co_await give(i) == 4) break;
    total += object.value();
  }
  co_return total;
}

task<int> nested_arguments() { co_return co_await add(co_await give(1), co_await give(2)); }
task<int> nested_deep() { co_return co_await add(co_await add(co_await give(1), 2), co_await add(3, 4)); }
task<int> nested_objects() { co_return co_await read_value(co_await give(tracked(co_await read_value(tracked(1))))); }
task<int> both_operands() { co_return co_await give(3) - co_await give(1); }
task<int> compound_assignment() {
  int total = 1;
  total += co_await give(2);
  total *= co_await give(3);
  co_return total;
}
task<int> subscript() {
  const std::array<int, 3> values{10, 20, 30};
  co_return values[co_await give(std::size_t{1})];
}
task<int> member_of_result() { co_return (co_await give(tracked(1))).value(); }
task<int> object_from_result() {
  const tracked object(co_await give(1));
  co_return object.value();
}
task<int> object_assigned() {
  tracked object(1);
  object = co_await give(tracked(2));
  co_return object.value();
}
task<int> allocated_from_result() {
  const auto owned = std::make_unique<tracked>(co_await give(1));
  co_return owned->value();
}
task<std::string> text_operand() {
  co_return std::string(40, 'a') + co_await give(std::string(2, 'b')) + std::string(2, 'c');
}
task<int> braces_in_order() {
  const std::pair<int, int> both{co_await logged('a', 1), co_await logged('b', 2)};
  co_return both.first * 10 + both.second;
}
task<int> aggregate_from_results() {
  const bindable both{co_await give(tracked(1)), co_await give(2)};
  co_return both.item.value() + both.extra;
}
task<int> reference_result() {
  int target = 1;
  co_await reference_awaiter{& target} = 5;
  co_return target;
}

void expect_ternary(task<int> on_true, task<int> on_false) {
  expect_equal(run(std::move(on_true)), 1);
  expect_equal(run(std::move(on_false)), 2);
}

[[maybe_unused]] const bool registered = register_family(
    "expressions", {
                       {"ternary_scalar", [] { expect_ternary(ternary_scalar(true), ternary_scalar(false)); }},
                       {"ternary_object", [] { expect_ternary(ternary_object(true), ternary_object(false)); }},
                       {"ternary_awaits", [] { expect_ternary(ternary_awaits(true), ternary_awaits(false)); }},
                       {"ternary_condition", [] { expect_equal(run(ternary_condition()), 1); }},
                       {"ternary_argument", [] { expect_ternary(ternary_argument(true), ternary_argument(false)); }},
                       {"ternary_text",
                        [] {
                          expect_equal(run(ternary_text(true)), std::string(40, 'a'));
                          expect_equal(run(ternary_text(false)), std::string(40, 'b'));
                        }},
                       {"comma",
                        [] {
                          expect_equal(run(comma()), 2);
                          expect_log("ab");
                        }},
                       {"and_skips",
                        [] {
                          expect(!run(and_skips()), "false && true is false");
                          expect_marks(1);
                        }},
                       {"or_skips",
                        [] {
                          expect(run(or_skips()), "true || false is true");
                          expect_marks(1);
                        }},
                       {"and_continues",
                        [] {
                          expect(run(and_continues()), "true && true is true");
                          expect_marks(2);
                        }},
                       {"binding_pair", [] { expect_equal(run(binding_pair()), 3); }},
                       {"binding_aggregate", [] { expect_equal(run(binding_aggregate()), 3); }},
                       {"binding_in_loop", [] { expect_equal(run(binding_in_loop()), 55); }},
                       {"range_awaited", [] { expect_equal(run(range_awaited()), 6); }},
                       {"range_body_awaits", [] { expect_equal(run(range_body_awaits()), 6); }},
                       {"switch_body", [] { expect_equal(run(switch_body()), 3); }},
                       {"goto_back", [] { expect_equal(run(goto_back()), 32); }},
                       {"break_and_continue", [] { expect_equal(run(break_and_continue()), 5); }},
                       {"nested_arguments", [] { expect_equal(run(nested_arguments()), 3); }},
                       {"nested_deep", [] { expect_equal(run(nested_deep()), 10); }},
                       {"nested_objects", [] { expect_equal(run(nested_objects()), 1); }},
                       {"both_operands", [] { expect_equal(run(both_operands()), 2); }},
                       {"compound_assignment", [] { expect_equal(run(compound_assignment()), 9); }},
                       {"subscript", [] { expect_equal(run(subscript()), 20); }},
                       {"member_of_result", [] { expect_equal(run(member_of_result()), 1); }},
                       {"object_from_result", [] { expect_equal(run(object_from_result()), 1); }},
                       {"object_assigned", [] { expect_equal(run(object_assigned()), 2); }},
                       {"allocated_from_result", [] { expect_equal(run(allocated_from_result()), 1); }},
                       {"text_operand", [] { expect_equal(run(text_operand()), std::string(40, 'a') + "bbcc"); }},
                       {"braces_in_order",
                        [] {
                          expect_equal(run(braces_in_order()), 12);
                          expect_log("ab");
                        }},
                       {"aggregate_from_results", [] { expect_equal(run(aggregate_from_results()), 3); }},
                       {"reference_result", [] { expect_equal(run(reference_result()), 5); }},
                   });

}  // namespace
}  // namespace conformance::expressions
