// A copyable function object that returns a task: std::function for coroutines.
//
// std::function cannot return a task here: its own machinery would be plain functions that return one, which is what
// the compiler's coroutine lifetime checks refuse.
//
// Misuse: storing a lambda with captures that *is* a coroutine. The captures live in the closure; when the last copy
// of this object goes while a call is suspended, they dangle. Capture nothing and pass state as parameters, or keep
// the function object longer than every call (a server does).
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "stack/runtime/task.hpp"

namespace assay {

template <class Signature>
class task_function;

template <class Task, class... Arguments>
class task_function<Task(Arguments...)> {
 public:
  task_function() = default;
  template <class Body>
    requires(!std::same_as<std::remove_cvref_t<Body>, task_function> && std::invocable<Body&, Arguments...>)
  task_function(Body&& body)  // NOLINT(google-explicit-constructor): converts like std::function
      : held_(std::make_shared<holder<std::decay_t<Body>>>(std::forward<Body>(body))) {}

  ASSAY_CORO_WRAPPER Task operator()(Arguments... arguments) const {
    return held_->call(std::forward<Arguments>(arguments)...);
  }
  explicit operator bool() const { return held_ != nullptr; }

 private:
  struct erased {
    virtual ~erased() = default;
    ASSAY_CORO_WRAPPER virtual Task call(Arguments... arguments) = 0;
  };
  template <class Body>
  struct holder final : erased {
    explicit holder(Body given) : body(std::move(given)) {}
    ASSAY_CORO_WRAPPER Task call(Arguments... arguments) override {
      return body(std::forward<Arguments>(arguments)...);
    }
    Body body;
  };

  std::shared_ptr<erased> held_;
};

}  // namespace assay
