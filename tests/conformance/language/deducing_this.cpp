// Coroutine lambdas that take their closure by value (`this auto`): the captures move into the frame, which
// is how the stack writes a capturing coroutine lambda that outlives its closure. Older compilers reject it,
// so it is built apart.
#include <memory>
#include <utility>

#include "tests/conformance/task.hpp"

namespace conformance::deducing_this {
namespace {

task<int> closure_gone_before_start() {
  task<int> started = [object = tracked(1)](this auto) -> task<int> {
    co_await checkpoint{};
    co_return object.value();
  }();
  co_return co_await std::move(started);
}
task<int> closure_awaited_in_place() {
  co_return co_await [object = tracked(1)](this auto, int extra) -> task<int> {
    co_await checkpoint{};
    co_return object.value() + extra;
  }(2);
}
task<int> closure_shared() {
  const auto shared = std::make_shared<tracked>(1);
  const int read = co_await [shared](this auto) -> task<int> {
    co_await checkpoint{};
    co_return shared->value();
  }();
  co_return read + static_cast<int>(shared.use_count());
}

[[maybe_unused]] const bool registered = register_family(
    "deducing_this", {
                         {"closure_gone_before_start", [] { expect_equal(run(closure_gone_before_start()), 1); }},
                         {"closure_awaited_in_place", [] { expect_equal(run(closure_awaited_in_place()), 3); }},
                         {"closure_shared", [] { expect_equal(run(closure_shared()), 2); }},
                     });

}  // namespace
}  // namespace conformance::deducing_this
