// The bookkeeping of the coroutine conformance suite: expectations, an object whose every construction and
// destruction is counted, and the list of cases. It has no dependency but the standard library, because it
// judges the compiler before anything else is built.
//
// A case is a plain function that calls run(subject()) and states what must have happened. It is executed
// twice: once with leaf operations that complete in line, once with leaf operations that suspend (see
// task.hpp).
//
// Misuse: putting the subject's code into the case itself by means of extra local variables. Several
// miscompilations vanish when the coroutine declares a local, so a subject holds what its case is about and
// no more:
//
//   task<int> subject() { int unused = 0; if (co_await give(true)) co_return 1; co_return 0; }  // tests
//   nothing
#pragma once

#include <cstddef>
#include <initializer_list>
#include <source_location>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace conformance {

/// How the leaf operations of a case complete.
enum class completion { in_line, suspended };

/// Thrown where a case cannot go on: its reason becomes the verdict of the case.
struct case_failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Records a failure of the running case; only the first one is kept. Never throws past memory exhaustion, so
/// that destructors may call it.
void record_failure(std::string_view reason);

/// Each records a failure, with the line of the caller, unless the stated fact holds.
void expect(bool holds, std::string_view fact, std::source_location where = std::source_location::current());
void expect_equal(long actual, long expected, std::source_location where = std::source_location::current());
void expect_equal(std::string_view actual, std::string_view expected,
                  std::source_location where = std::source_location::current());

/// Proof that a statement of a coroutine body ran: marks are counted, and expect_marks compares the count.
void mark();
void expect_marks(long expected, std::source_location where = std::source_location::current());

/// Appends to the event log of the case; expect_log compares the whole log.
void log_event(char event);
void expect_log(std::string_view expected, std::source_location where = std::source_location::current());

/// Frames of task<T> coroutines are counted, so that a leaked or twice freed frame fails its case.
void count_frame_created();
void count_frame_destroyed();

/// An object that knows whether it is alive: destroying or reading one that was never constructed at its
/// address (a compiler that copies bytes instead of calling constructors) is recorded as a failure.
class tracked {
 public:
  explicit tracked(int value);
  tracked(const tracked& other);
  tracked(tracked&& other) noexcept;
  tracked& operator=(const tracked& other);
  tracked& operator=(tracked&& other) noexcept;
  ~tracked();

  /// The value given, or moved_from.
  int value() const;

  static constexpr int moved_from = -1;

 private:
  int value_;
};

/// How many tracked objects are alive now.
long tracked_alive();

/// Appends its name to the event log when it is destroyed.
struct logs_destruction {
  explicit logs_destruction(char name) : name_(name) {}
  logs_destruction(const logs_destruction&) = delete;
  logs_destruction& operator=(const logs_destruction&) = delete;
  ~logs_destruction() { log_event(name_); }

 private:
  char name_;
};

struct conformance_case {
  std::string name;  // "family.case" once registered
  void (*body)();
};

/// Adds a family of cases to the suite. Called by an initialiser at namespace scope, so that a source file
/// takes part by being linked: files a compiler rejects can be left out without touching the others.
bool register_family(std::string_view family, std::initializer_list<conformance_case> cases);

/// All registered cases, sorted by name.
std::vector<conformance_case> all_cases();

/// Runs the case once. Returns the reason of its failure, empty when it passed.
std::string run_case(const conformance_case& subject, completion mode);

}  // namespace conformance
