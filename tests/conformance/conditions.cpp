// co_await in the condition of a statement. The subjects declare no local variable at function scope on
// purpose: there one compiler drops the whole body (GCC PR106188).
#include "tests/conformance/task.hpp"

namespace conformance::conditions {
namespace {

// Counts down from its start to zero: a condition that is true a known number of times.
int countdown = 0;
task<int> next_count() { return give(countdown--); }

task<int> if_true() {
  if (co_await give(true)) co_return 1;
  co_return 2;
}

task<int> if_false() {
  if (co_await give(false)) {
    co_return 1;
  } else {
    co_return 2;
  }
}

task<int> if_negated() {
  if (!co_await give(false)) co_return 1;
  co_return 2;
}

task<int> if_compared() {
  if (co_await give(3) == 3) co_return 1;
  co_return 2;
}

task<int> if_and() {
  if (co_await give(true) && co_await give(true)) co_return 1;
  co_return 2;
}

task<int> if_or() {
  if (co_await give(false) || co_await give(true)) co_return 1;
  co_return 2;
}

task<int> if_chain() {
  if (co_await give(false)) {
    co_return 1;
  } else if (co_await give(false)) {
    co_return 2;
  } else if (co_await give(true)) {
    co_return 3;
  }
  co_return 4;
}

task<int> if_nested() {
  if (co_await give(true)) {
    if (co_await give(true)) co_return 1;
    co_return 2;
  }
  co_return 3;
}

task<int> if_initializer() {
  if (const int value = co_await give(3); value == 3) co_return value;
  co_return 0;
}

task<int> if_declaration() {
  if (const int value = co_await give(4)) co_return value;
  co_return 0;
}

task<int> if_parameter(int wanted) {
  if (co_await give(5) == wanted) co_return 1;
  co_return 2;
}

task<int> if_object_argument() {
  if (co_await read_value(tracked(6)) == 6) co_return 1;
  co_return 2;
}

task<int> if_in_try() {
  try {
    if (co_await give(true)) co_return 1;
  } catch (const std::runtime_error&) {
    co_return 2;
  }
  co_return 3;
}

task<void> if_void() {
  mark();
  if (co_await give(true)) mark();
  mark();
}

task<int> if_after_local() {
  const int local = co_await give(7);
  if (co_await give(true)) co_return local;
  co_return 0;
}

task<void> while_loop() {
  while (co_await next_count() > 0) mark();
}

task<void> while_not() {
  while (!(co_await next_count() <= 0)) mark();
}

task<void> do_loop() {
  do {
    mark();
  } while (co_await next_count() > 0);
}

task<void> for_loop() {
  for (; co_await next_count() > 0;) mark();
}

task<void> for_step() {
  for (int i = 0; i < 3; i += co_await give(1)) mark();
}

task<int> switch_value() {
  switch (co_await give(2)) {
    case 1:
      co_return 10;
    case 2:
      co_return 20;
    default:
      co_return 30;
  }
}

void expect_loop(task<void> subject, long marks) {
  countdown = 3;
  run(std::move(subject));
  expect_marks(marks);
}

[[maybe_unused]] const bool registered =
    register_family("conditions", {
                                      {"if_true", [] { expect_equal(run(if_true()), 1); }},
                                      {"if_false", [] { expect_equal(run(if_false()), 2); }},
                                      {"if_negated", [] { expect_equal(run(if_negated()), 1); }},
                                      {"if_compared", [] { expect_equal(run(if_compared()), 1); }},
                                      {"if_and", [] { expect_equal(run(if_and()), 1); }},
                                      {"if_or", [] { expect_equal(run(if_or()), 1); }},
                                      {"if_chain", [] { expect_equal(run(if_chain()), 3); }},
                                      {"if_nested", [] { expect_equal(run(if_nested()), 1); }},
                                      {"if_initializer", [] { expect_equal(run(if_initializer()), 3); }},
                                      {"if_declaration", [] { expect_equal(run(if_declaration()), 4); }},
                                      {"if_parameter", [] { expect_equal(run(if_parameter(5)), 1); }},
                                      {"if_object_argument", [] { expect_equal(run(if_object_argument()), 1); }},
                                      {"if_in_try", [] { expect_equal(run(if_in_try()), 1); }},
                                      {"if_after_local", [] { expect_equal(run(if_after_local()), 7); }},
                                      {"if_void",
                                       [] {
                                         run(if_void());
                                         expect_marks(3);
                                       }},
                                      {"while_loop", [] { expect_loop(while_loop(), 3); }},
                                      {"while_not", [] { expect_loop(while_not(), 3); }},
                                      {"do_loop", [] { expect_loop(do_loop(), 4); }},
                                      {"for_loop", [] { expect_loop(for_loop(), 3); }},
                                      {"for_step", [] { expect_loop(for_step(), 3); }},
                                      {"switch_value", [] { expect_equal(run(switch_value()), 20); }},
                                  });

}  // namespace
}  // namespace conformance::conditions
