// Temporaries of a co_await full-expression: they live in the frame until the expression ends and die once.
// Aggregates have no constructor to call, and one compiler copies their bytes and destroys both copies.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/task.hpp"

namespace conformance::temporaries {
namespace {

constexpr const char* long_text = "long enough to be allocated on the heap, not in the object";

struct aggregate {
  tracked item;
  int extra;
};
struct defaulted_aggregate {
  tracked item{8};
  int extra = 1;
};
struct nested_aggregate {
  aggregate inner;
  tracked outer;
};
struct base_aggregate : tracked {
  int extra;
};
struct text_aggregate {
  std::string text;
  int extra;
};

task<int> sum(aggregate given) {
  co_await checkpoint{};
  co_return given.item.value() + given.extra;
}
task<int> sum_reference(const aggregate& given) {
  co_await checkpoint{};
  co_return given.item.value() + given.extra;
}
task<int> sum_two(aggregate first, aggregate second) {
  co_await checkpoint{};
  co_return first.item.value() + second.item.value();
}
task<int> sum_defaulted(defaulted_aggregate given) {
  co_await checkpoint{};
  co_return given.item.value() + given.extra;
}
task<int> sum_nested(nested_aggregate given) {
  co_await checkpoint{};
  co_return given.inner.item.value() + given.outer.value();
}
task<int> sum_base(base_aggregate given) {
  co_await checkpoint{};
  co_return given.value() + given.extra;
}
task<int> sum_array(std::array<tracked, 2> given) {
  co_await checkpoint{};
  co_return given[0].value() + given[1].value();
}
task<int> sum_pair(std::pair<tracked, int> given) {
  co_await checkpoint{};
  co_return given.first.value() + given.second;
}
task<int> read_optional(std::optional<tracked> given) {
  co_await checkpoint{};
  co_return given ? given->value() : 0;
}
task<int> read_rvalue(tracked&& given) {
  co_await checkpoint{};
  const tracked owned = std::move(given);
  co_return owned.value();
}
task<int> read_unique(std::unique_ptr<tracked> given) {
  co_await checkpoint{};
  co_return given->value();
}
task<int> read_shared(std::shared_ptr<tracked> given) {
  co_await checkpoint{};
  co_return given->value() + static_cast<int>(given.use_count());
}
task<int> read_default(int extra, tracked object = tracked(3)) {
  co_await checkpoint{};
  co_return object.value() + extra;
}
task<int> count_elements(std::vector<tracked> given) {
  co_await checkpoint{};
  co_return static_cast<int>(given.size()) * given.back().value();
}
task<std::string> text_of(text_aggregate given) {
  co_await checkpoint{};
  co_return given.text;
}

// Awaiters that own an object: one aggregate, one with a constructor.
struct aggregate_awaiter {
  tracked item;
  bool await_ready() const noexcept { return !leaf_suspends(); }
  void await_suspend(std::coroutine_handle<> self) const { queue_suspended(self); }
  int await_resume() const { return item.value(); }
};
class class_awaiter {
 public:
  explicit class_awaiter(int value) : item_(value) {}
  bool await_ready() const noexcept { return !leaf_suspends(); }
  void await_suspend(std::coroutine_handle<> self) const { queue_suspended(self); }
  int await_resume() const { return item_.value(); }

 private:
  tracked item_;
};
struct aggregate_service {
  tracked item;
  task<int> ask() const {
    co_await checkpoint{};
    co_return item.value();
  }
};

task<int> argument_by_value() { co_return co_await read_value(tracked(1)); }
task<int> argument_by_reference() { co_return co_await read_reference(tracked(1)); }
task<int> argument_by_rvalue() { co_return co_await read_rvalue(tracked(1)); }
task<int> argument_defaulted() { co_return co_await read_default(2); }
task<std::string> text_concatenated() { co_return co_await give(std::string(long_text) + " + " + long_text); }
task<int> optional_argument() { co_return co_await read_optional(tracked(1)); }
task<int> pair_argument() { co_return co_await sum_pair(std::pair(tracked(1), 2)); }
task<int> vector_argument() { co_return co_await count_elements(std::vector<tracked>(3, tracked(2))); }
task<int> unique_argument() { co_return co_await read_unique(std::make_unique<tracked>(1)); }
task<int> shared_argument() { co_return co_await read_shared(std::make_shared<tracked>(1)); }
task<int> aggregate_argument() { co_return co_await sum(aggregate{tracked(1), 2}); }
task<int> aggregate_braced() { co_return co_await sum({tracked(1), 2}); }
task<int> aggregate_designated() { co_return co_await sum({.item = tracked(1), .extra = 2}); }
task<int> aggregate_reference() { co_return co_await sum_reference(aggregate{tracked(1), 2}); }
task<int> aggregate_twice() { co_return co_await sum_two({tracked(1), 0}, {tracked(2), 0}); }
task<int> aggregate_defaulted() { co_return co_await sum_defaulted({}); }
task<int> aggregate_nested() { co_return co_await sum_nested({{tracked(1), 0}, tracked(2)}); }
task<int> aggregate_base() { co_return co_await sum_base(base_aggregate{tracked(1), 2}); }
task<int> aggregate_array() { co_return co_await sum_array({tracked(1), tracked(2)}); }
task<std::string> aggregate_text() { co_return co_await text_of({long_text, 1}); }
task<int> aggregate_discarded() {
  co_await sum(aggregate{tracked(1), 2});
  co_return 3;
}
task<int> aggregate_named() {
  aggregate named{tracked(1), 2};
  co_return co_await sum(std::move(named));
}
task<int> aggregate_result() {
  const aggregate result = co_await give(aggregate{tracked(1), 2});
  co_return result.item.value() + result.extra;
}
task<int> awaiter_aggregate() { co_return co_await aggregate_awaiter{tracked(1)}; }
task<int> awaiter_class() { co_return co_await class_awaiter(1); }
task<int> member_of_aggregate() { co_return co_await aggregate_service{tracked(1)}.ask(); }

[[maybe_unused]] const bool registered = register_family(
    "temporaries",
    {
        {"argument_by_value", [] { expect_equal(run(argument_by_value()), 1); }},
        {"argument_by_reference", [] { expect_equal(run(argument_by_reference()), 1); }},
        {"argument_by_rvalue", [] { expect_equal(run(argument_by_rvalue()), 1); }},
        {"argument_defaulted", [] { expect_equal(run(argument_defaulted()), 5); }},
        {"text_concatenated",
         [] { expect_equal(run(text_concatenated()), std::string(long_text) + " + " + std::string(long_text)); }},
        {"optional_argument", [] { expect_equal(run(optional_argument()), 1); }},
        {"pair_argument", [] { expect_equal(run(pair_argument()), 3); }},
        {"vector_argument", [] { expect_equal(run(vector_argument()), 6); }},
        {"unique_argument", [] { expect_equal(run(unique_argument()), 1); }},
        {"shared_argument", [] { expect_equal(run(shared_argument()), 2); }},
        {"aggregate_argument", [] { expect_equal(run(aggregate_argument()), 3); }},
        {"aggregate_braced", [] { expect_equal(run(aggregate_braced()), 3); }},
        {"aggregate_designated", [] { expect_equal(run(aggregate_designated()), 3); }},
        {"aggregate_reference", [] { expect_equal(run(aggregate_reference()), 3); }},
        {"aggregate_twice", [] { expect_equal(run(aggregate_twice()), 3); }},
        {"aggregate_defaulted", [] { expect_equal(run(aggregate_defaulted()), 9); }},
        {"aggregate_nested", [] { expect_equal(run(aggregate_nested()), 3); }},
        {"aggregate_base", [] { expect_equal(run(aggregate_base()), 3); }},
        {"aggregate_array", [] { expect_equal(run(aggregate_array()), 3); }},
        {"aggregate_text", [] { expect_equal(run(aggregate_text()), long_text); }},
        {"aggregate_discarded", [] { expect_equal(run(aggregate_discarded()), 3); }},
        {"aggregate_named", [] { expect_equal(run(aggregate_named()), 3); }},
        {"aggregate_result", [] { expect_equal(run(aggregate_result()), 3); }},
        {"awaiter_aggregate", [] { expect_equal(run(awaiter_aggregate()), 1); }},
        {"awaiter_class", [] { expect_equal(run(awaiter_class()), 1); }},
        {"member_of_aggregate", [] { expect_equal(run(member_of_aggregate()), 1); }},
    });

}  // namespace
}  // namespace conformance::temporaries
