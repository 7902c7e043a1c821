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

std::size_t offload_pool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

bool offload_pool::submit(std::shared_ptr<job> added) {
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= options_.max_queued) return false;
    queue_.push_back(std::move(added));
  }
  work_or_stop_.notify_one();
  return true;
}

void offload_pool::serve() {
  while (true) {
    std::unique_lock lock(mutex_);
    work_or_stop_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    std::shared_ptr<job> next = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    if (next->state.load(std::memory_order_relaxed) == job_state::abandoned) continue;
    next->work();
    if (next->home == nullptr) continue;
    job_state before = job_state::running;
    if (!next->state.compare_exchange_strong(before, job_state::returning, std::memory_order_acq_rel)) continue;
    job& done = *next;
    done.self = std::move(next);
    done.home->post(done);
  }
}

}  // namespace assay
