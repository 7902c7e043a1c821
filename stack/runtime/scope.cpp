#include "stack/runtime/scope.hpp"

#include <cstdio>
#include <cstdlib>

namespace assay {

// The frame of a running child: frees itself at its end.
struct scope::child_runner {
  struct promise_type : child_record {
    context* ctx = nullptr;
    static void* operator new(std::size_t size_bytes) { return detail::allocate_frame(size_bytes); }
    static void operator delete(void* frame, std::size_t size_bytes) noexcept { detail::free_frame(frame, size_bytes); }
    child_runner get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
  std::coroutine_handle<promise_type> frame;
};

namespace {

task<result<void>> with_no_failure(task<void> child) {
  co_await std::move(child);
  co_return result<void>{};
}

// Gives a coroutine its own promise.
template <class Promise>
struct own_promise {
  Promise* promise = nullptr;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    promise = &self.promise();
    return false;
  }
  Promise& await_resume() const noexcept { return *promise; }
};

}  // namespace

scope::child_runner scope::run_child(scope* self, task<result<void>> child) {
  child_record& record = co_await own_promise<child_runner::promise_type>{};
  result<void> outcome;
  std::exception_ptr thrown;
  try {
    outcome = co_await std::move(child);
  } catch (...) {
    thrown = std::current_exception();
  }
  child = {};  // its frame goes before the parent may go on
  self->on_child_end(record, outcome, thrown);
}

scope::scope(context& parent) : cancel_(*parent.cancel), ctx_(parent), wake_(this) { ctx_.cancel = &cancel_; }

scope::~scope() {
  if (!started_ || joined_) return;
  std::fprintf(stderr, "assay: a scope ended with %zu live children; co_await join() first\n", live_);
  ctx_.on->tasks().for_each([this](const task_record& each) {
    if (each.owner != this) return;
    std::fprintf(stderr, "  spawned at %s:%u\n", each.where.file_name(), each.where.line());
  });
  std::abort();
}

bool scope::spawn(task<void> child, std::source_location where) {
  if (closed_ || cancel_.cancelled()) return false;
  return start(with_no_failure(std::move(child)), where);
}

bool scope::spawn(task<result<void>> child, std::source_location where) { return start(std::move(child), where); }

bool scope::start(task<result<void>> child, std::source_location where) {
  if (closed_ || cancel_.cancelled()) return false;
  child_runner runner = run_child(this, std::move(child));
  auto& promise = runner.frame.promise();
  promise.own = ctx_;
  promise.own.task = &promise;
  promise.ctx = &promise.own;
  promise.owner = this;
  promise.where = where;
  promise.parent = ctx_.task;
  promise.since = ctx_.on->turn_time();
  promise.request_id = ctx_.request_id;
  started_ = true;
  live_++;
  loop& on = *ctx_.on;
  on.add(promise);
  task_record* const spawner = on.running();
  on.enter(&promise);
  runner.frame.resume();
  on.enter(spawner);
  return true;
}

void scope::on_child_end(child_record& record, const result<void>& outcome, const std::exception_ptr& thrown) noexcept {
  ctx_.on->remove(record);
  live_--;
  if (!outcome || thrown) {
    const std::optional<error> failure = outcome ? std::nullopt : std::optional(outcome.error());
    keep_or_report({.where = record.where, .request_id = record.request_id, .failure = failure, .thrown = thrown});
    cancel_.cancel(cancel_reason::sibling_failed);
  }
  // Through the queue: the child's own frame is still on the stack.
  if (live_ == 0 && joining_) ctx_.on->schedule(wake_);
}

// join() tells of one exception, or of one failure. The same failure again, and what was asked to stop, are no news.
void scope::keep_or_report(const unobserved_failure& ended) noexcept {
  if (ended.thrown) {
    if (thrown_) return report_unobserved(ended);
    thrown_ = ended.thrown;
    if (first_failure_ && first_failure_->failure->code != errc::cancelled) report_unobserved(*first_failure_);
    return;
  }
  const bool is_news = ended.failure->code != errc::cancelled;
  const bool is_told = first_failure_ && *first_failure_->failure == *ended.failure;
  if (is_news && !is_told && (first_failure_ || thrown_)) report_unobserved(ended);
  if (!first_failure_) first_failure_ = ended;
}

void scope::on_join(std::coroutine_handle<> parent) noexcept {
  joining_ = parent;
  ctx_.task->awaiting = "children";
  ctx_.task->awaiting_since = ctx_.on->turn_time();
}

void scope::resume_joining() noexcept {
  ctx_.task->awaiting = nullptr;
  ctx_.on->enter(ctx_.task);
  joining_.resume();
}

result<void> scope::joined() {
  joined_ = true;
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
  if (first_failure_) return std::unexpected(*first_failure_->failure);
  return {};
}

}  // namespace assay
