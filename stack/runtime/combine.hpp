// Several tasks at once as one expression, and one that goes on when its caller is asked to stop.
//
//   auto both = co_await when_all(find_item(id), ask_price(id));    // result<std::tuple<item, price>>
//   auto some = co_await when_all(std::move(searches));             // of a std::vector: result<std::vector<T>>
//   auto race = co_await first_of(receive(peer), nothing_for(5s));  // race.index says which ended first, race.got how
//   std::ignore = co_await shield(2s, say_goodbye(peer));           // also while its caller is being cancelled
//
// Whatever is begun has ended when the expression has: nothing runs on behind it. when_all() gives the first failure,
// and cancels the others with it. first_of() takes whoever ends first, well or not, and cancels the others; that they
// then end as cancelled is theirs, and no news. shield() has a deadline of its own instead of its caller's.
//
// Misuse: in first_of() what loses something when it is cancelled too late: a message that the loser had received
// already goes with it. A shield around work instead of around tidying up: nobody can stop it before its limit.
#pragma once

#include <concepts>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "stack/runtime/loop.hpp"
#include "stack/runtime/scope.hpp"

namespace assay {

// Which of several ended first, counted from 0, and with what.
template <class T>
struct first_outcome {
  std::size_t index = 0;
  result<T> got;
};

namespace detail {

// What is kept of a result<T>.
template <class T>
using kept = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

// Of tasks that were not begun.
inline std::unexpected<error> not_begun(const context& ctx) {
  return std::unexpected(error{.code = errc::cancelled, .reason = ctx.cancel->reason(), .what = "begin"});
}

template <class T>
task<result<void>> keep(task<result<T>> child, std::optional<kept<T>>* into) {
  result<T> got = co_await std::move(child);
  if (!got) co_return std::unexpected(got.error());
  if constexpr (std::is_void_v<T>) {
    into->emplace();
  } else {
    into->emplace(std::move(*got));
  }
  co_return result<void>{};
}

template <class T>
task<void> race(scope* among, std::size_t index, task<result<T>> child, std::optional<first_outcome<T>>* into) {
  result<T> got = co_await std::move(child);
  if (*into) co_return;
  into->emplace(index, std::move(got));
  among->cancel(cancel_reason::user);
}

template <class T>
struct shield_awaiter {
  task<T> child;
  duration limit;
  cancel_scope own{};
  context under{};

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> parent) noexcept {
    under = *parent.promise().ctx;
    under.cancel = &own;
    under.deadline = saturating_add(under.on->now(), limit);
    return task<T>::start(child.frame(), parent, &under);
  }
  T await_resume() { return child.frame().promise().take(); }
};

}  // namespace detail

template <class... T>
task<result<std::tuple<detail::kept<T>...>>> when_all(task<result<T>>... children) {
  context& ctx = co_await this_context();
  std::tuple<std::optional<detail::kept<T>>...> got;
  scope all(ctx);
  std::apply([&](auto&... into) { (all.spawn(detail::keep<T>(std::move(children), &into)), ...); }, got);
  const result<void> joined = co_await all.join();
  if (!joined) co_return std::unexpected(joined.error());
  const bool complete = std::apply([](const auto&... each) { return (each.has_value() && ...); }, got);
  if (!complete) co_return detail::not_begun(ctx);
  co_return std::apply([](auto&... each) { return std::tuple<detail::kept<T>...>(std::move(*each)...); }, got);
}

template <class T>
task<result<std::vector<detail::kept<T>>>> when_all(std::vector<task<result<T>>> children) {
  context& ctx = co_await this_context();
  std::vector<std::optional<detail::kept<T>>> got(children.size());
  scope all(ctx);
  for (std::size_t i = 0; i < children.size(); ++i) all.spawn(detail::keep<T>(std::move(children[i]), &got[i]));
  const result<void> joined = co_await all.join();
  if (!joined) co_return std::unexpected(joined.error());
  std::vector<detail::kept<T>> values;
  values.reserve(got.size());
  for (auto& each : got) {
    if (!each) co_return detail::not_begun(ctx);
    values.push_back(std::move(*each));
  }
  co_return values;
}

template <class T, class... Others>
  requires(std::same_as<T, Others> && ...)
task<first_outcome<T>> first_of(task<result<T>> one, task<result<Others>>... others) {
  context& ctx = co_await this_context();
  std::optional<first_outcome<T>> first;
  scope among(ctx);
  std::size_t index = 0;
  among.spawn(detail::race<T>(&among, index++, std::move(one), &first));
  (among.spawn(detail::race<T>(&among, index++, std::move(others), &first)), ...);
  std::ignore = co_await among.join();  // no racer fails
  if (!first) co_return first_outcome<T>{.got = detail::not_begun(ctx)};
  co_return std::move(*first);
}

template <class T>
[[nodiscard]] detail::shield_awaiter<T> shield(duration limit, task<T> child) {
  return {std::move(child), limit};
}

}  // namespace assay
