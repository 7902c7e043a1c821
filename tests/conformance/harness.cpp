#include "tests/conformance/harness.hpp"

#include <algorithm>
#include <set>

#include "tests/conformance/task.hpp"

namespace conformance {
namespace {

struct case_state {
  std::string failure;
  std::string log;
  long marks = 0;
  long constructed = 0;
  long destroyed = 0;
  long frames_created = 0;
  long frames_destroyed = 0;
  std::set<const tracked*> alive;
};

// Leaked on purpose: objects of a crashing case may outlive any destruction order.
case_state& state() {
  static case_state* const instance = new case_state;
  return *instance;
}

std::vector<conformance_case>& registry() {
  static std::vector<conformance_case> cases;
  return cases;
}

std::string at_line(const std::source_location& where) { return "line " + std::to_string(where.line()) + ": "; }

void note_constructed(const tracked* object) {
  ++state().constructed;
  if (!state().alive.insert(object).second) record_failure("an object was constructed over a live one");
}

void note_used(const tracked* object) {
  if (!state().alive.contains(object)) record_failure("an object was used outside its lifetime");
}

void expect_balance() {
  const case_state& now = state();
  if (now.constructed != now.destroyed || !now.alive.empty()) {
    record_failure("objects constructed " + std::to_string(now.constructed) + ", destroyed " +
                   std::to_string(now.destroyed));
  }
  if (now.frames_created != now.frames_destroyed) {
    record_failure("coroutine frames created " + std::to_string(now.frames_created) + ", destroyed " +
                   std::to_string(now.frames_destroyed));
  }
}

}  // namespace

void record_failure(std::string_view reason) {
  if (state().failure.empty()) state().failure = reason;
}

void expect(bool holds, std::string_view fact, std::source_location where) {
  if (!holds) record_failure(at_line(where) + "does not hold: " + std::string(fact));
}

void expect_equal(long actual, long expected, std::source_location where) {
  if (actual == expected) return;
  record_failure(at_line(where) + "expected " + std::to_string(expected) + ", got " + std::to_string(actual));
}

void expect_equal(std::string_view actual, std::string_view expected, std::source_location where) {
  if (actual == expected) return;
  // A miscompiled string may have any size: print a little of it only.
  record_failure(at_line(where) + "expected '" + std::string(expected.substr(0, 64)) + "', got '" +
                 std::string(actual.substr(0, 64)) + "'");
}

void mark() { ++state().marks; }

void expect_marks(long expected, std::source_location where) {
  if (state().marks == expected) return;
  record_failure(at_line(where) + "expected " + std::to_string(expected) + " statements to run, " +
                 std::to_string(state().marks) + " did");
}

void log_event(char event) { state().log += event; }

void expect_log(std::string_view expected, std::source_location where) {
  expect_equal(std::string_view(state().log), expected, where);
}

void count_frame_created() { ++state().frames_created; }
void count_frame_destroyed() { ++state().frames_destroyed; }

tracked::tracked(int value) : value_(value) { note_constructed(this); }

tracked::tracked(const tracked& other) : value_(other.value()) { note_constructed(this); }

tracked::tracked(tracked&& other) noexcept : value_(other.value()) {
  other.value_ = moved_from;
  note_constructed(this);
}

tracked& tracked::operator=(const tracked& other) {
  note_used(this);
  value_ = other.value();
  return *this;
}

tracked& tracked::operator=(tracked&& other) noexcept {
  note_used(this);
  const int value = other.value();
  other.value_ = moved_from;
  value_ = value;
  return *this;
}

tracked::~tracked() {
  ++state().destroyed;
  if (state().alive.erase(this) == 0) record_failure("an object was destroyed that was not alive");
}

int tracked::value() const {
  note_used(this);
  return value_;
}

long tracked_alive() { return static_cast<long>(state().alive.size()); }

bool register_family(std::string_view family, std::initializer_list<conformance_case> cases) {
  for (const conformance_case& entry : cases) {
    registry().push_back({std::string(family) + "." + entry.name, entry.body});
  }
  return true;
}

std::vector<conformance_case> all_cases() {
  std::vector<conformance_case> cases = registry();
  std::sort(cases.begin(), cases.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return cases;
}

std::string run_case(const conformance_case& subject, completion mode) {
  state() = case_state{};
  set_completion(mode);
  try {
    subject.body();
    if (drop_suspended() != 0) record_failure("a suspended coroutine was left behind");
  } catch (const std::exception& error) {
    record_failure(error.what());
  } catch (...) {
    record_failure("an exception of unknown type escaped");
  }
  expect_balance();
  return state().failure;
}

}  // namespace conformance
