// The run queue of a loop: things to run once, in order, without allocation.
//
// Misuse: pushing a node twice. A node is in at most one queue; the second push aborts.
#pragma once

#include <cstddef>
#include <utility>

#include "stack/runtime/precondition.hpp"

namespace assay {

struct ready_node {
  using runner = void (*)(ready_node&) noexcept;

  explicit ready_node(runner on_ready) : run(on_ready) {}
  ready_node(const ready_node&) = delete;
  ready_node& operator=(const ready_node&) = delete;
  ~ready_node() = default;

  runner run;
  ready_node* next = nullptr;
  bool queued = false;
};

class ready_queue {
 public:
  bool empty() const { return head_ == nullptr; }
  std::size_t size() const { return size_; }

  void push(ready_node& node) {
    ASSAY_PRECONDITION(!node.queued, "a node is in one ready queue at a time");
    node.queued = true;
    node.next = nullptr;
    (tail_ != nullptr ? tail_->next : head_) = &node;
    tail_ = &node;
    size_++;
  }

  ready_node* pop() {
    if (head_ == nullptr) return nullptr;
    ready_node* node = std::exchange(head_, head_->next);
    if (head_ == nullptr) tail_ = nullptr;
    node->queued = false;
    size_--;
    return node;
  }

 private:
  ready_node* head_ = nullptr;
  ready_node* tail_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace assay
