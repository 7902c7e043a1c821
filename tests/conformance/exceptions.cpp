// Exceptions that cross a co_await: they reach the right handler, and every object on the way is destroyed
// once.
#include <stdexcept>
#include <string>
#include <utility>

#include "tests/conformance/task.hpp"

namespace conformance::exceptions {
namespace {

struct refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

task<int> refuse() {
  co_await checkpoint{};
  throw refused("child");
}
task<int> refuse_at_once() {
  throw refused("child");
  co_return 0;
}
task<int> refuse_holding(tracked held) {
  const tracked local(held.value());
  co_await checkpoint{};
  if (local.value() >= 0) throw refused("child");
  co_return 0;
}
task<int> pass_through() {
  const tracked local(1);
  co_return co_await refuse() + local.value();
}
task<int> read_both(tracked first, int second) {
  co_await checkpoint{};
  co_return first.value() + second;
}
task<int> flaky(int attempt) {
  const tracked local(attempt);
  co_await checkpoint{};
  if (attempt < 2) throw refused("try again");
  co_return local.value();
}

task<int> caught_from_child() {
  try {
    co_return co_await refuse();
  } catch (const refused&) {
    co_return 1;
  }
}
task<int> caught_before_suspension() {
  try {
    co_return co_await refuse_at_once();
  } catch (const refused&) {
    co_return 1;
  }
}
task<int> caught_two_levels_up() {
  try {
    co_return co_await pass_through();
  } catch (const std::runtime_error& error) {
    co_return std::string("child") == error.what() ? 1 : 2;
  }
}
task<int> locals_unwound() {
  try {
    const tracked local(1);
    co_await refuse_holding(tracked(2));
    co_return local.value();
  } catch (const refused&) {
    co_return static_cast<int>(tracked_alive());
  }
}
task<int> argument_unwound() {
  try {
    co_return co_await read_both(tracked(1), co_await refuse());
  } catch (const refused&) {
    co_return static_cast<int>(tracked_alive());
  }
}
task<int> initializer_throws() {
  try {
    const tracked local(co_await refuse());
    co_return local.value();
  } catch (const refused&) {
    co_return static_cast<int>(tracked_alive());
  }
}
task<int> condition_throws() {
  try {
    if (co_await refuse() == 0) co_return 2;
  } catch (const refused&) {
    co_return 1;
  }
  co_return 3;
}
task<int> await_after_handler() {
  bool failed = false;
  try {
    co_await refuse();
  } catch (const refused&) {
    failed = true;
  }
  co_return failed ? co_await give(1) : co_await give(2);
}
task<int> retried_in_loop() {
  for (int attempt = 0;; ++attempt) {
    try {
      co_return co_await flaky(attempt);
    } catch (const refused&) {
      mark();
    }
  }
}
task<int> rethrown() {
  try {
    try {
      co_await refuse();
    } catch (const refused&) {
      mark();
      throw;
    }
  } catch (const std::runtime_error&) {
    mark();
    co_return 1;
  }
  co_return 2;
}
task<int> caught_by_any() {
  try {
    co_await refuse();
  } catch (...) {
    co_return 1;
  }
  co_return 2;
}
task<void> unwinding_order() {
  const logs_destruction first('a');
  const logs_destruction second('b');
  co_await refuse();
}

void expect_refusal(task<int> subject) {
  try {
    run(std::move(subject));
  } catch (const refused&) {
    return;
  }
  record_failure("the exception did not reach the awaiting side");
}

[[maybe_unused]] const bool registered = register_family(
    "exceptions", {
                      {"reaches_the_root", [] { expect_refusal(pass_through()); }},
                      {"caught_from_child", [] { expect_equal(run(caught_from_child()), 1); }},
                      {"caught_before_suspension", [] { expect_equal(run(caught_before_suspension()), 1); }},
                      {"caught_two_levels_up", [] { expect_equal(run(caught_two_levels_up()), 1); }},
                      {"caught_by_any", [] { expect_equal(run(caught_by_any()), 1); }},
                      {"locals_unwound", [] { expect_equal(run(locals_unwound()), 0); }},
                      {"argument_unwound", [] { expect_equal(run(argument_unwound()), 0); }},
                      {"initializer_throws", [] { expect_equal(run(initializer_throws()), 0); }},
                      {"condition_throws", [] { expect_equal(run(condition_throws()), 1); }},
                      {"await_after_handler", [] { expect_equal(run(await_after_handler()), 1); }},
                      {"retried_in_loop",
                       [] {
                         expect_equal(run(retried_in_loop()), 2);
                         expect_marks(2);
                       }},
                      {"rethrown",
                       [] {
                         expect_equal(run(rethrown()), 1);
                         expect_marks(2);
                       }},
                      {"unwinding_order",
                       [] {
                         try {
                           run(unwinding_order());
                         } catch (const refused&) {
                           log_event('x');
                         }
                         expect_log("bax");
                       }},
                  });

}  // namespace
}  // namespace conformance::exceptions
