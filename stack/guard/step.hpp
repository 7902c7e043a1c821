// Layers of a server that share one coroutine. Of what a policy costs a request that it lets pass, most is not the
// policy: it is a coroutine frame, and an answer that is moved out through it. A policy that decides at once does
// without, as a step; steps in a row are one layer, in one frame.
//
//   const handler_layer front = guard::steps(shed::step(admission), timeout::step(limit));   // outermost first
//
// What a step has, besides its policy:
//
//   struct step : decides_at_once {
//     // What a request has of it until it has ended, its stream too.
//     struct held {};
//     // Before what comes next.
//     entry enter(passage& way, held& mine) const;
//     // After enter() said entry::waits; in a step that may, in the place of the base.
//     task<entry> wait(passage& way, held& mine) const;
//     // After entry::wraps; only in a step that may say so.
//     task<http::response> wrap(http::request& asked, http::handler rest) const;
//     // Of what was let pass, the innermost step first.
//     void leave(const passage& way, held& mine, http::response& reply) const;
//   };
//
// A step that says entry::wraps is a layer for this request: `rest` is the steps behind it and the handler.
//
// After an exception of the handler nobody is told of an answer: there is none. What is held is given back then too.
//
// Misuse: a `held` that needs what another step holds. In which order they go is not told.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "stack/guard/hold.hpp"
#include "stack/guard/layer.hpp"
#include "stack/runtime/context.hpp"
#include "stack/runtime/precondition.hpp"

namespace assay::guard {

enum class entry : std::uint8_t {
  passes,    // to the next step, at last to the handler
  waits,     // for what wait() is to tell
  answered,  // with passage::answer; whoever is further in never hears of this request
  wraps,     // what is further in, by wrap()
};

// A request on its way in.
struct passage {
  http::request& asked;
  const context& ctx;
  instant deadline;  // of the handler; a step may make it earlier
  std::optional<http::response> answer = {};

  entry answered_with(http::response reply) {
    answer = std::move(reply);
    return entry::answered;
  }
};

struct decides_at_once {
  template <class Held>
  static task<entry> wait(passage&, Held&) {
    co_return entry::passes;
  }
};

namespace detail {

// Steps in a row, and what they are around.
template <class... Steps>
struct step_row {
  std::tuple<Steps...> steps;
  http::handler next;

  // In this order: what is held goes back before its policy may go.
  struct all_held {
    std::shared_ptr<const step_row> of;
    std::tuple<typename Steps::held...> each = {};
  };

  // From step number `at` on, as far as they decide at once; `at` is then the first that did not let it pass.
  entry enter(std::size_t& at, passage& way, all_held& mine) const {
    const std::size_t first = at;
    const auto passes = [&]<std::size_t I>(entry& told) {
      told = std::get<I>(steps).enter(way, std::get<I>(mine.each));
      if (told == entry::passes) [[likely]]
        return true;
      at = I;
      return false;
    };
    entry told = entry::passes;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      if (((I < first || passes.template operator()<I>(told)) && ...)) at = sizeof...(Steps);
    }(std::index_sequence_for<Steps...>());
    return told;
  }

  ASSAY_CORO_WRAPPER task<entry> wait(std::size_t at, passage& way, all_held& mine) const {
    task<entry> told;
    const auto one = [&]<std::size_t I>() {
      if (I == at) told = std::get<I>(steps).wait(way, std::get<I>(mine.each));
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (one.template operator()<I>(), ...);
    }(std::index_sequence_for<Steps...>());
    return told;
  }

  ASSAY_CORO_WRAPPER task<http::response> wrap(std::size_t at, http::request& asked, http::handler rest) const {
    task<http::response> given;
    const auto one = [&]<std::size_t I>() {
      if constexpr (requires { std::get<I>(steps).wrap(asked, std::move(rest)); }) {
        if (I == at) given = std::get<I>(steps).wrap(asked, std::move(rest));
      }
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (one.template operator()<I>(), ...);
    }(std::index_sequence_for<Steps...>());
    ASSAY_PRECONDITION(given.frame(), "a step that wraps has wrap()");
    return given;
  }

  // The steps from number `first` to the one before number `passed`.
  void leave(std::size_t first, std::size_t passed, const passage& way, all_held& mine, http::response& reply) const {
    constexpr std::size_t last = sizeof...(Steps) - 1;
    const auto one = [&]<std::size_t I>() {
      if (first <= I && I < passed) std::get<I>(steps).leave(way, std::get<I>(mine.each), reply);
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (one.template operator()<last - I>(), ...);
    }(std::index_sequence_for<Steps...>());
  }
};

// The answer where its handler has left it: to move it out and on again is what a layer would cost otherwise.
struct answer_in_place {
  assay::detail::deadline_awaiter<http::response>& of;

  bool await_ready() const noexcept { return of.await_ready(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    return of.await_suspend(parent);
  }
  http::response& await_resume() { return of.child.frame().promise().result(); }
};

// From step number `first` on.
template <class Row>
task<http::response> pass(std::shared_ptr<const Row> given, std::size_t first, http::request& asked);

// What is behind step number `at`, for one that wraps it.
template <class Row>
http::handler behind(const std::shared_ptr<const Row>& given, std::size_t at) {
  return [given, at] ASSAY_CORO_WRAPPER(http::request & asked) { return pass(given, at + 1, asked); };
}

template <class Row>
task<http::response> pass(std::shared_ptr<const Row> given, std::size_t first, http::request& asked) {
  const context& ctx = co_await this_context();
  typename Row::all_held mine{.of = std::move(given)};
  const Row& row = *mine.of;
  passage way{.asked = asked, .ctx = ctx, .deadline = ctx.deadline};
  std::size_t passed = first;
  entry told = row.enter(passed, way, mine);
  while (told == entry::waits) [[unlikely]] {
    told = co_await row.wait(passed, way, mine);
    if (told == entry::passes) told = row.enter(++passed, way, mine);
  }
  if (told == entry::answered) [[unlikely]] {
    row.leave(first, passed, way, mine, *way.answer);
    if (way.answer->stream) hold_during_stream(*way.answer, std::move(mine));
    co_return std::move(*way.answer);
  }
  auto next = with_deadline(way.deadline,
                            told == entry::wraps ? row.wrap(passed, asked, behind(mine.of, passed)) : row.next(asked));
  http::response& reply = co_await answer_in_place{next};
  row.leave(first, passed, way, mine, reply);
  if (reply.stream) hold_during_stream(reply, std::move(mine));
  co_return std::move(reply);
}

}  // namespace detail

// One layer of all of them.
template <class... Steps>
handler_layer steps(Steps... outermost_first) {
  using row = detail::step_row<Steps...>;
  return [all = std::tuple<Steps...>(std::move(outermost_first)...)](http::handler next) -> http::handler {
    return [with = std::make_shared<const row>(all, std::move(next))] ASSAY_CORO_WRAPPER(http::request & asked) {
      return detail::pass(with, 0, asked);
    };
  };
}

}  // namespace assay::guard
