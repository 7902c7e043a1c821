// When objects die: exactly once, in reverse order, at the end of their scope or full-expression, and also
// when a coroutine is destroyed before it finished.
#include <memory>
#include <utility>

#include "tests/conformance/task.hpp"

namespace conformance::lifetimes {
namespace {

task<void> pause(const logs_destruction&) {
  co_await checkpoint{};
  log_event('.');
}

task<void> reverse_order() {
  const logs_destruction first('a');
  const logs_destruction second('b');
  co_await checkpoint{};
  log_event('.');
}
task<void> inner_scope_first() {
  const logs_destruction outer('a');
  {
    const logs_destruction inner('b');
    co_await checkpoint{};
  }
  log_event('.');
  co_await checkpoint{};
  log_event('.');
}
task<void> each_iteration() {
  for (int i = 0; i < 3; ++i) {
    const logs_destruction local('a');
    co_await checkpoint{};
    log_event('.');
  }
}
task<void> temporary_until_semicolon() {
  co_await pause(logs_destruction('a'));
  log_event(';');
}
task<void> extended_temporary() {
  const logs_destruction& extended = logs_destruction('a');
  co_await pause(extended);
  log_event(';');
}
task<void> early_return(bool early) {
  const logs_destruction first('a');
  co_await checkpoint{};
  if (early) co_return;
  const logs_destruction second('b');
  co_await checkpoint{};
}
task<int> parameter_kept(tracked given) {
  co_await checkpoint{};
  const int before = given.value();
  co_await checkpoint{};
  co_return before + given.value();
}
task<int> result_moved_once() {
  tracked result = co_await give(tracked(4));
  co_return result.value() + static_cast<int>(tracked_alive());
}
task<int> optional_work(bool construct) {
  std::unique_ptr<tracked> owned;
  if (construct) owned = std::make_unique<tracked>(co_await give(1));
  co_return owned ? owned->value() : 0;
}
task<int> locals_of_parent_and_child() {
  const tracked local(1);
  const int read = co_await read_reference(local);
  const tracked copy = local;
  co_return read + co_await read_value(copy);
}

// A coroutine that is always suspended when its owner gives it up.
struct never {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const noexcept {}
};
task<int> waits_forever(tracked given) {
  const tracked local(given.value());
  co_await never{};
  mark();
  co_return local.value();
}
task<int> parent_waits_forever() {
  const tracked local(1);
  co_return co_await waits_forever(tracked(2)) + local.value();
}

void expect_events(task<void> subject, std::string_view events) {
  run(std::move(subject));
  expect_log(events);
}

[[maybe_unused]] const bool registered = register_family(
    "lifetimes", {
                     {"reverse_order", [] { expect_events(reverse_order(), ".ba"); }},
                     {"inner_scope_first", [] { expect_events(inner_scope_first(), "b..a"); }},
                     {"each_iteration", [] { expect_events(each_iteration(), ".a.a.a"); }},
                     {"temporary_until_semicolon", [] { expect_events(temporary_until_semicolon(), ".a;"); }},
                     {"extended_temporary", [] { expect_events(extended_temporary(), ".;a"); }},
                     {"early_return", [] { expect_events(early_return(true), "a"); }},
                     {"late_return", [] { expect_events(early_return(false), "ba"); }},
                     {"parameter_kept", [] { expect_equal(run(parameter_kept(tracked(2))), 4); }},
                     {"result_moved_once", [] { expect_equal(run(result_moved_once()), 5); }},
                     {"optional_work",
                      [] {
                        expect_equal(run(optional_work(true)), 1);
                        expect_equal(run(optional_work(false)), 0);
                      }},
                     {"parent_and_child", [] { expect_equal(run(locals_of_parent_and_child()), 2); }},
                     {"never_started",
                      [] {
                        {
                          const task<int> unused = read_value(tracked(1));
                        }
                        expect_equal(tracked_alive(), 0);
                      }},
                     {"destroyed_while_suspended",
                      [] {
                        {
                          task<int> abandoned = parent_waits_forever();
                          abandoned.start();
                          expect(!abandoned.done(), "the coroutine is suspended");
                          expect(tracked_alive() >= 3, "the objects of both frames are alive");
                        }
                        expect_equal(tracked_alive(), 0);
                        expect_marks(0);
                      }},
                 });

}  // namespace
}  // namespace conformance::lifetimes
