// Steps in a row: in which order they are asked and told, and how long they hold what a request has of them.
#include "stack/guard/step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/stack/guard/guard_test_support.hpp"

namespace assay::guard {
namespace {

using namespace std::chrono_literals;
using guard::testing::bare_request;
using guard::testing::run_virtual;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

using diary = std::vector<std::string>;

// Notes what it is asked and told, and when what a request has of it goes back.
class scripted {
 public:
  using held = std::shared_ptr<diary>;
  scripted(std::string name, diary* into, entry at_once = entry::passes, entry after_waiting = entry::passes)
      : name_(std::move(name)), into_(into), at_once_(at_once), after_waiting_(after_waiting) {}

  entry enter(passage& way, held& mine) const {
    into_->push_back(name_ + " in");
    return decide(at_once_, way, mine);
  }
  task<entry> wait(passage& way, held& mine) const {
    const result<void> waited = co_await delay_for(10ms);
    into_->push_back(name_ + (waited ? " waited" : " gave up"));
    co_return decide(after_waiting_, way, mine);
  }
  void leave(const passage&, const held&, const http::response& reply) const {
    into_->push_back(name_ + " out " + std::to_string(reply.status));
  }

 private:
  entry decide(entry says, passage& way, held& mine) const {
    if (says == entry::answered) return way.answered_with(http::response::refused(429, "no"));
    if (says == entry::passes) {
      mine = held(into_, [name = name_](diary* into) { into->push_back(name + " gives back"); });
    }
    return says;
  }

  std::string name_;
  diary* into_;
  entry at_once_;
  entry after_waiting_;
};

task<http::response> note(diary* into) {
  into->push_back("handler");
  co_return http::response::text("well");
}

http::handler noting(diary* into) {
  return [into] ASSAY_CORO_WRAPPER(http::request&) { return note(into); };
}

// What is given back is at the end, in any order.
diary run(diary& notes, const handler_layer& front, const http::handler& inner, int status) {
  bare_request asked;
  const http::handler serve = front(inner);
  EXPECT_EQ(run_virtual(serve(asked)).status, status);
  const auto first_back = std::ranges::find_if(notes, [](const std::string& line) { return line.ends_with("back"); });
  std::sort(first_back, notes.end());
  return notes;
}

TEST(steps, are_asked_from_the_outside_and_told_from_the_inside) {
  diary notes;
  const auto front = steps(scripted("a", &notes), scripted("b", &notes), scripted("c", &notes));
  EXPECT_THAT(run(notes, front, noting(&notes), 200),
              ElementsAre("a in", "b in", "c in", "handler", "c out 200", "b out 200", "a out 200", "a gives back",
                          "b gives back", "c gives back"));
}

TEST(steps, who_answers_keeps_the_request_from_those_further_in) {
  diary notes;
  const auto front = steps(scripted("a", &notes), scripted("b", &notes, entry::answered), scripted("c", &notes));
  EXPECT_THAT(run(notes, front, noting(&notes), 429), ElementsAre("a in", "b in", "a out 429", "a gives back"));
}

TEST(steps, go_on_where_one_has_waited) {
  diary notes;
  const auto front = steps(scripted("a", &notes, entry::waits), scripted("b", &notes),
                           scripted("c", &notes, entry::waits), scripted("d", &notes));
  EXPECT_THAT(run(notes, front, noting(&notes), 200),
              ElementsAre("a in", "a waited", "b in", "c in", "c waited", "d in", "handler", "d out 200", "c out 200",
                          "b out 200", "a out 200", "a gives back", "b gives back", "c gives back", "d gives back"));
}

TEST(steps, who_has_waited_may_answer_too) {
  diary notes;
  const auto front =
      steps(scripted("a", &notes), scripted("b", &notes, entry::waits, entry::answered), scripted("c", &notes));
  EXPECT_THAT(run(notes, front, noting(&notes), 429),
              ElementsAre("a in", "b in", "b waited", "a out 429", "a gives back"));
}

task<http::response> fail(http::request&) {
  throw std::runtime_error("a bug");
  co_return http::response{};
}

TEST(steps, give_back_after_an_exception_and_are_told_of_no_answer) {
  diary notes;
  const http::handler serve = steps(scripted("a", &notes), scripted("b", &notes))(fail);
  bare_request asked;
  EXPECT_THROW(std::ignore = run_virtual(serve(asked)), std::runtime_error);
  EXPECT_EQ((diary{notes.begin(), notes.begin() + 2}), (diary{"a in", "b in"}));
  EXPECT_THAT((diary{notes.begin() + 2, notes.end()}), UnorderedElementsAre("a gives back", "b gives back"));
}

// Around a request to "/wrapped" with a request of its own.
struct wrapping : decides_at_once {
  struct held {};
  diary* into;
  explicit wrapping(diary* notes) : into(notes) {}
  entry enter(passage& way, held&) const {
    into->push_back("w in");
    return way.asked.path() == "/wrapped" ? entry::wraps : entry::passes;
  }
  static task<http::response> around(diary* notes, http::handler rest) {
    bare_request own("/own");
    notes->push_back("w wraps");
    http::response reply = co_await rest(own);
    notes->push_back("w unwraps");
    reply.status = 201;
    co_return reply;
  }
  ASSAY_CORO_WRAPPER task<http::response> wrap(http::request&, http::handler rest) const {
    return around(into, std::move(rest));
  }
  void leave(const passage&, const held&, const http::response&) const { into->push_back("w out"); }
};

TEST(steps, one_that_wraps_has_those_further_in_within_it) {
  diary notes;
  const http::handler serve =
      steps(scripted("a", &notes), wrapping(&notes), scripted("b", &notes, entry::waits))(noting(&notes));
  bare_request asked("/wrapped");
  EXPECT_EQ(run_virtual(serve(asked)).status, 201);
  EXPECT_THAT(notes, ElementsAre("a in", "w in", "w wraps", "b in", "b waited", "handler", "b out 200", "b gives back",
                                 "w unwraps", "a out 201", "a gives back"));
  notes.clear();
  bare_request other("/other");
  EXPECT_EQ(run_virtual(serve(other)).status, 200);
  EXPECT_THAT(notes, ElementsAre("a in", "w in", "b in", "b waited", "handler", "b out 200", "w out", "a out 200",
                                 "a gives back", "b gives back"));
}

task<result<void>> produce(http::body_sink&) { co_return result<void>{}; }

task<http::response> stream(http::request&) {
  http::response reply;
  reply.stream = produce;
  co_return reply;
}

TEST(steps, hold_what_a_request_has_until_its_stream_is_gone) {
  diary notes;
  bare_request asked;
  {
    const http::handler serve = steps(scripted("a", &notes))(stream);
    http::response reply = run_virtual(serve(asked));
    EXPECT_THAT(notes, ElementsAre("a in", "a out 200"));
    reply.stream = {};
    EXPECT_THAT(notes, ElementsAre("a in", "a out 200", "a gives back"));
  }
  EXPECT_EQ(notes.size(), 3U) << "once";
}

struct streaming : decides_at_once {
  struct held {};
  static entry enter(passage& way, held&) {
    http::response reply;
    reply.stream = produce;
    return way.answered_with(std::move(reply));
  }
  static void leave(const passage&, const held&, const http::response&) {}
};

TEST(steps, behind_one_that_wraps_hold_what_they_have_until_the_stream_is_gone_and_give_back_after_an_exception) {
  diary notes;
  const auto row = steps(scripted("a", &notes), wrapping(&notes), scripted("b", &notes));
  bare_request asked("/wrapped");
  {
    const http::handler serve = row(stream);
    http::response reply = run_virtual(serve(asked));
    EXPECT_THAT(notes, ElementsAre("a in", "w in", "w wraps", "b in", "b out 200", "w unwraps", "a out 201"));
    reply.stream = {};
    EXPECT_THAT((diary{notes.begin() + 7, notes.end()}), UnorderedElementsAre("a gives back", "b gives back"));
  }
  notes.clear();
  const http::handler failing = row(fail);
  EXPECT_THROW(std::ignore = run_virtual(failing(asked)), std::runtime_error);
  EXPECT_THAT(notes, ElementsAre("a in", "w in", "w wraps", "b in", "b gives back", "a gives back"));
}

TEST(steps, hold_what_a_request_has_while_another_steps_answer_streams) {
  diary notes;
  bare_request asked;
  const http::handler serve = steps(scripted("a", &notes), streaming())(stream);
  http::response reply = run_virtual(serve(asked));
  EXPECT_THAT(notes, ElementsAre("a in", "a out 200"));
  reply.stream = {};
  EXPECT_THAT(notes, ElementsAre("a in", "a out 200", "a gives back"));
}

struct hurry : decides_at_once {
  struct held {};
  duration most;
  explicit hurry(duration span) : most(span) {}
  entry enter(passage& way, held&) const {
    way.deadline = std::min(way.deadline, guard::testing::virtual_start + most);
    return entry::passes;
  }
  static void leave(const passage&, const held&, const http::response&) {}
};

task<http::response> tell_deadline(http::request&) {
  const context& ctx = co_await this_context();
  co_return http::response::text(std::to_string((ctx.deadline - guard::testing::virtual_start) / 1ms));
}

TEST(steps, the_earliest_deadline_is_that_of_the_handler) {
  const http::handler serve = steps(hurry(30ms), hurry(20ms), hurry(40ms))(tell_deadline);
  bare_request asked;
  EXPECT_EQ(run_virtual(serve(asked)).body, "20");
}

}  // namespace
}  // namespace assay::guard
