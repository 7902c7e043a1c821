#include "stack/runtime/offload.hpp"

#include <cassert>

#include "stack/runtime/quiet_thread.hpp"

namespace assay {

// On the loop's thread.
void offload_pool::job::on_done(ready_node& node) noexcept {
  auto& done = static_cast<job&>(node);
  const std::shared_ptr<job> keep = std::move(done.self);
  done.waiting->run(*done.waiting);
}

offload_pool::offload_pool(offload_options options) : options_(options) {
  assert(options.threads > 0 && options.max_queued > 0);
  for (unsigned i = 0; i < options_.threads; ++i) threads_.push_back(detail::quiet_thread([this] { serve(); }));
}

offload_pool::~offload_pool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_or_stop_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

offload_counters offload_pool::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

offload_usage offload_pool::usage() const {
  const std::lock_guard lock(mutex_);
  return {.queued = queue_.size(), .running = running_};
}

bool offload_pool::submit(std::shared_ptr<job> added) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.max_queued) {
      counters_.shed++;
      return false;
    }
    queue_.push_back(std::move(added));
  }
  work_or_stop_.notify_one();
  return true;
}

// The next that is queued; none at the end.
std::shared_ptr<offload_pool::job> offload_pool::take() {
  std::unique_lock lock(mutex_);
  work_or_stop_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  if (queue_.empty()) return nullptr;
  std::shared_ptr<job> next = std::move(queue_.front());
  queue_.pop_front();
  running_++;
  return next;
}

void offload_pool::serve() {
  while (std::shared_ptr<job> next = take()) {
    const bool dropped = next->state.load(std::memory_order_relaxed) == job_state::abandoned;
    if (!dropped) next->work();
    {
      const std::lock_guard lock(mutex_);
      running_--;
      (dropped ? counters_.dropped : counters_.done)++;
    }
    if (!dropped && next->home != nullptr) hand_back(std::move(next));
  }
}

void offload_pool::hand_back(std::shared_ptr<job> done) {
  job_state before = job_state::running;
  if (!done->state.compare_exchange_strong(before, job_state::returning, std::memory_order_acq_rel)) return;
  job& on_its_way = *done;
  on_its_way.self = std::move(done);
  on_its_way.home->post(on_its_way);
}

}  // namespace assay
