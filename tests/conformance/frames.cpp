// Stack depth, and what a coroutine frame keeps across a suspension. Over-aligned locals are left out: frames
// of released compilers misplace them, and the stack's rule is not to have any.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>

#include "tests/conformance/task.hpp"

namespace conformance::frames {
namespace {

constexpr int many_children = 1'000'000;
constexpr int deep_nesting = 1'000;
constexpr std::size_t large_buffer_bytes = 64 * 1024;

task<int> immediate(int value) { co_return value; }

task<long> children_in_loop() {
  long total = 0;
  for (int i = 0; i < many_children; ++i) total += co_await immediate(1);
  co_return total;
}
task<long> children_in_condition() {
  long total = 0;
  while (co_await immediate(1) == 1 && total < many_children) ++total;
  co_return total;
}
task<int> nested_children(int depth) {
  if (depth == 0) {
    co_await checkpoint{};
    co_return 0;
  }
  const int below = co_await nested_children(depth - 1);
  co_return below + 1;
}
task<int> fibonacci(int n) {
  if (n < 2) co_return n;
  co_return co_await fibonacci(n - 1) + co_await fibonacci(n - 2);
}

task<int> buffer_survives() {
  std::array<unsigned char, 256> buffer{};
  std::iota(buffer.begin(), buffer.end(), static_cast<unsigned char>(0));
  co_await checkpoint{};
  co_return std::accumulate(buffer.begin(), buffer.end(), 0);
}
task<int> large_buffer_survives() {
  std::array<unsigned char, large_buffer_bytes> buffer{};
  buffer.front() = 1;
  buffer.back() = 2;
  co_await checkpoint{};
  co_return buffer.front() + buffer.back();
}
task<int> disjoint_scopes() {
  int total = 0;
  {
    std::array<int, 64> buffer{};
    buffer.fill(1);
    co_await checkpoint{};
    total = std::accumulate(buffer.begin(), buffer.end(), total);
  }
  {
    std::array<int, 64> buffer{};
    buffer.fill(2);
    co_await checkpoint{};
    total = std::accumulate(buffer.begin(), buffer.end(), total);
  }
  co_return total;
}
task<bool> natural_alignment() {
  char before = 'a';
  std::int64_t whole = 1;
  char between = 'b';
  double real = 2;
  char after = 'c';
  std::max_align_t widest{};
  co_await checkpoint{};
  const auto aligned = [](const auto& object) {
    return reinterpret_cast<std::uintptr_t>(&object) % alignof(decltype(object)) == 0;
  };
  co_return aligned(whole) && aligned(real) && aligned(widest) && before == 'a' && between == 'b' && after == 'c' &&
      whole == 1 && real == 2;
}
task<int> reference_to_local() {
  int local = 1;
  int& reference = local;
  co_await checkpoint{};
  reference = 2;
  co_await checkpoint{};
  co_return local;
}
task<int> moved_parameter(std::unique_ptr<tracked> owned) {
  co_await checkpoint{};
  co_return owned->value();
}
task<int> many_parameters(tracked a, int b, tracked c, double d, tracked e) {
  co_await checkpoint{};
  co_return a.value() + b + c.value() + static_cast<int>(d) + e.value();
}
task<int> object_array() {
  const std::array<tracked, 3> objects{tracked(1), tracked(2), tracked(3)};
  co_await checkpoint{};
  co_return objects[0].value() + objects[1].value() + objects[2].value();
}
template <class T>
task<T> template_coroutine(T given) {
  T local = given;
  co_await checkpoint{};
  co_return local;
}

class service {
 public:
  explicit service(int value) : state_(value) {}
  task<int> ask(int extra) {
    co_await checkpoint{};
    co_return state_.value() + extra;
  }
  static task<int> ask_any(tracked given) {
    co_await checkpoint{};
    co_return given.value();
  }

 private:
  tracked state_;
};

[[maybe_unused]] const bool registered = register_family(
    "frames",
    {
        {"million_children_in_loop", [] { expect_equal(run(children_in_loop()), many_children); }},
        {"million_children_in_condition", [] { expect_equal(run(children_in_condition()), many_children); }},
        {"nested_children", [] { expect_equal(run(nested_children(deep_nesting)), deep_nesting); }},
        {"recursion", [] { expect_equal(run(fibonacci(12)), 144); }},
        {"buffer_survives", [] { expect_equal(run(buffer_survives()), 255 * 128); }},
        {"large_buffer_survives", [] { expect_equal(run(large_buffer_survives()), 3); }},
        {"disjoint_scopes", [] { expect_equal(run(disjoint_scopes()), 64 + 128); }},
        {"natural_alignment", [] { expect(run(natural_alignment()), "locals keep alignment and value"); }},
        {"reference_to_local", [] { expect_equal(run(reference_to_local()), 2); }},
        {"moved_parameter", [] { expect_equal(run(moved_parameter(std::make_unique<tracked>(1))), 1); }},
        {"many_parameters", [] { expect_equal(run(many_parameters(tracked(1), 2, tracked(3), 4.0, tracked(5))), 15); }},
        {"object_array", [] { expect_equal(run(object_array()), 6); }},
        {"template_coroutine", [] { expect_equal(run(template_coroutine(tracked(7))).value(), 7); }},
        {"member_coroutine",
         [] {
           service subject(1);
           expect_equal(run(subject.ask(2)), 3);
         }},
        {"static_member_coroutine", [] { expect_equal(run(service::ask_any(tracked(1))), 1); }},
    });

}  // namespace
}  // namespace conformance::frames
