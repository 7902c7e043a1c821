// Lambdas written inside and outside a co_await expression. The captures of a coroutine lambda live in the
// closure, not in the frame, so every closure here outlives the coroutine it starts, as the language asks.
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "tests/conformance/task.hpp"

namespace conformance::lambdas {
namespace {

constexpr const char* long_text = "long enough to be allocated on the heap, not in the object";

// Takes the callable by value, as a spawn or a retry helper does.
template <class F>
task<int> call(F callable) {
  co_await checkpoint{};
  co_return callable();
}
template <class F>
task<int> call_forwarded(F&& callable) {
  co_await checkpoint{};
  co_return std::forward<F>(callable)();
}
template <class F>
task<int> call_coroutine(F callable) {
  co_await checkpoint{};
  co_return co_await callable();
}
task<int> call_function(std::function<int()> callable) {
  co_await checkpoint{};
  co_return callable();
}

task<int> capture_nothing() {
  co_return co_await [](int value) -> task<int> {
    co_await checkpoint{};
    co_return value;
  }(1);
}
task<int> capture_scalar() {
  co_return co_await call([value = 1] { return value; });
}
task<int> capture_by_reference() {
  const tracked local(1);
  co_return co_await call([&local] { return local.value(); });
}
task<int> capture_created() {
  co_return co_await call([object = tracked(1)] { return object.value(); });
}
task<int> capture_copied() {
  const tracked local(1);
  co_return co_await call([local] { return local.value(); });
}
task<int> capture_parameter(tracked given) {
  co_return co_await call([given] { return given.value(); });
}
task<int> capture_moved() {
  tracked local(1);
  co_return co_await call([moved = std::move(local)] { return moved.value(); });
}
task<int> capture_two() {
  co_return co_await call([a = tracked(1), b = tracked(2)] { return a.value() + b.value(); });
}
task<int> capture_text() {
  const std::string text = long_text;
  co_return co_await call([text] { return text == long_text ? 1 : 0; });
}
task<int> capture_shared() {
  const auto shared = std::make_shared<tracked>(1);
  const int read = co_await call([shared] { return shared->value(); });
  co_return read + static_cast<int>(shared.use_count());
}
task<int> capture_unique() {
  co_return co_await call([owned = std::make_unique<tracked>(1)] { return owned->value(); });
}
task<int> capture_mutable() {
  co_return co_await call([object = tracked(1)]() mutable {
    object = tracked(2);
    return object.value();
  });
}
task<int> capture_forwarded() {
  co_return co_await call_forwarded([object = tracked(1)] { return object.value(); });
}
task<int> capture_as_function() {
  co_return co_await call_function([object = tracked(1)] { return object.value(); });
}
task<int> capture_nested() {
  co_return co_await call([object = tracked(1)] { return [object] { return object.value(); }(); });
}
task<int> capture_immediate() {
  co_return co_await [object = tracked(1)]() -> task<int> {
    co_await checkpoint{};
    co_return object.value();
  }();
}
task<int> capture_in_coroutine() {
  co_return co_await call_coroutine([object = tracked(1)]() -> task<int> {
    co_await checkpoint{};
    co_return object.value();
  });
}
task<int> capture_named() {
  auto named = [object = tracked(1)] { return object.value(); };
  co_return co_await call(std::move(named));
}
task<int> capture_split() {
  auto started = call([object = tracked(1)] { return object.value(); });
  co_return co_await std::move(started);
}
task<int> generic_parameter() {
  const auto named = [](auto object) -> task<int> {
    co_await checkpoint{};
    co_return object.value();
  };
  co_return co_await named(tracked(1));
}

[[maybe_unused]] const bool registered =
    register_family("lambdas", {
                                   {"capture_nothing", [] { expect_equal(run(capture_nothing()), 1); }},
                                   {"capture_scalar", [] { expect_equal(run(capture_scalar()), 1); }},
                                   {"capture_by_reference", [] { expect_equal(run(capture_by_reference()), 1); }},
                                   {"capture_created", [] { expect_equal(run(capture_created()), 1); }},
                                   {"capture_copied", [] { expect_equal(run(capture_copied()), 1); }},
                                   {"capture_parameter", [] { expect_equal(run(capture_parameter(tracked(1))), 1); }},
                                   {"capture_moved", [] { expect_equal(run(capture_moved()), 1); }},
                                   {"capture_two", [] { expect_equal(run(capture_two()), 3); }},
                                   {"capture_text", [] { expect_equal(run(capture_text()), 1); }},
                                   {"capture_shared", [] { expect_equal(run(capture_shared()), 2); }},
                                   {"capture_unique", [] { expect_equal(run(capture_unique()), 1); }},
                                   {"capture_mutable", [] { expect_equal(run(capture_mutable()), 2); }},
                                   {"capture_forwarded", [] { expect_equal(run(capture_forwarded()), 1); }},
                                   {"capture_as_function", [] { expect_equal(run(capture_as_function()), 1); }},
                                   {"capture_nested", [] { expect_equal(run(capture_nested()), 1); }},
                                   {"capture_immediate", [] { expect_equal(run(capture_immediate()), 1); }},
                                   {"capture_in_coroutine", [] { expect_equal(run(capture_in_coroutine()), 1); }},
                                   {"capture_named", [] { expect_equal(run(capture_named()), 1); }},
                                   {"capture_split", [] { expect_equal(run(capture_split()), 1); }},
                                   {"generic_parameter", [] { expect_equal(run(generic_parameter()), 1); }},
                               });

}  // namespace
}  // namespace conformance::lambdas
