#include "stack/runtime/loop.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace assay {
namespace {

struct posted_closure : ready_node {
  explicit posted_closure(std::move_only_function<void()> job) : ready_node(&run_and_free), work(std::move(job)) {}
  static void run_and_free(ready_node& node) noexcept {
    std::unique_ptr<posted_closure> self(static_cast<posted_closure*>(&node));
    self->work();
  }
  std::move_only_function<void()> work;
};

}  // namespace

loop::loop(std::unique_ptr<io> backend, loop_options options)
    : io_(std::move(backend)),
      options_(options),
      turn_time_(io_->now()),
      previous_turn_time_(turn_time_),
      backlog_since_(turn_time_),
      timers_(turn_time_) {
  root_.on = this;
  root_.cancel = &root_cancel_;
  root_.task = &main_;
  pulse_.of = this;
  pulse_.real_time = io_->real_time();
}

loop::~loop() {
  drain_posted();
  // A node runs as soon as it is linked, and may end the loop before its poster has come to wake().
  while (posting_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
}

void loop::post(ready_node& node) noexcept {
  posting_.fetch_add(1, std::memory_order_relaxed);
  ready_node* head = posted_.load(std::memory_order_relaxed);
  do {
    node.next = head;
  } while (!posted_.compare_exchange_weak(head, &node, std::memory_order_release, std::memory_order_relaxed));
  // Only the first of a batch wakes the loop; it takes the whole list at once.
  if (head == nullptr) io_->wake();
  posting_.fetch_sub(1, std::memory_order_release);
}

void loop::post(std::move_only_function<void()> work) { post(*new posted_closure(std::move(work))); }

void loop::take_posted() {
  if (posted_.load(std::memory_order_relaxed) == nullptr) return;
  ready_node* newest = posted_.exchange(nullptr, std::memory_order_acquire);
  ready_node* oldest = nullptr;
  while (newest != nullptr) {  // posted last in, first out: turn it round
    ready_node* next = std::exchange(newest->next, oldest);
    oldest = std::exchange(newest, next);
  }
  while (oldest != nullptr) {
    ready_node* next = oldest->next;
    ready_.push(*oldest);
    oldest = next;
  }
}

void loop::run_ready() {
  for (std::size_t ran = 0; ran < options_.max_turn_batch; ++ran) {
    ready_node* node = ready_.pop();
    if (node == nullptr) return;
    counters_.resumed++;
    enter(nullptr);  // whoever is resumed says who it is
    node->run(*node);
  }
}

instant loop::wait_until() {
  if (!ready_.empty() || posted_.load(std::memory_order_relaxed) != nullptr) return instant::min();
  const instant next = timers_.next();
  if (options_.spin_window > duration::zero() && next != never && next - turn_time_ <= options_.spin_window) {
    return instant::min();
  }
  return options_.spin_window > duration::zero() && next != never ? next - options_.spin_window : next;
}

void loop::turn() {
  counters_.turns++;
  const bool had_work = !ready_.empty();
  enter(nullptr);
  pulse_.busy_since_ns.store(0, std::memory_order_relaxed);
  const instant until = wait_until();
  const bool may_wait = until != instant::min();
  const instant from = may_wait ? io_->now() : instant();
  io_->poll(until, ready_);
  previous_turn_time_ = std::exchange(turn_time_, io_->now());
  if (may_wait) counters_.waited += turn_time_ - from;
  if (!had_work) backlog_since_ = turn_time_;
  pulse_.begin_segment(turn_time_);
  take_posted();
  const std::size_t fired = timers_.advance(turn_time_);
  if (ready_.empty() && fired == 0 && !had_work && options_.spin_window > duration::zero()) {
    counters_.spun += turn_time_ - previous_turn_time_;
  }
  run_ready();
}

void loop::begin_run(const std::source_location& where) {
  main_.where = where;
  main_.since = io_->now();
  backlog_since_ = main_.since;
  main_.awaiting = nullptr;
  add(main_);
  pulse_.begin_segment(main_.since);
  enter(&main_);
}

void loop::end_run() noexcept { remove(main_); }

void loop::drive(const bool& finished) {
  while (!finished) turn();
}

// What was posted after main had finished still runs: its closures own memory.
void loop::drain_posted() {
  for (take_posted(); !ready_.empty(); take_posted()) {
    while (ready_node* node = ready_.pop()) node->run(*node);
  }
}

}  // namespace assay
