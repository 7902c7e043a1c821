// Cancellation on one loop: a tree of scopes, each asked to stop once, with a reason.
//
// Cancel is a *request*. A waiting operation hears it through its cancel_node, asks the backend to give up, and still
// completes exactly once. Callbacks never resume a coroutine inline, so cancel() is safe to call from anywhere on the
// loop's thread. From another thread, post to the loop first.
//
// Misuse: holding a cancel_scope beyond its parent. The parent's list would dangle; the destructor of the parent
// aborts.
#pragma once

#include "stack/runtime/error.hpp"
#include "stack/runtime/intrusive_list.hpp"
#include "stack/runtime/precondition.hpp"

namespace assay {

// Registered with a cancel_scope while an operation waits. Unlinks itself when destroyed.
class cancel_node : public list_node {
 public:
  using callback = void (*)(cancel_node&, cancel_reason) noexcept;

  explicit cancel_node(callback on_cancel) : on_cancel_(on_cancel) {}
  ~cancel_node() {
    if (linked()) unlink();
  }

 private:
  friend class cancel_scope;
  callback on_cancel_;
};

class cancel_scope {
 public:
  cancel_scope() : link_(this) {}
  // A child, though the language calls this a copy constructor.
  explicit cancel_scope(cancel_scope& parent) : link_(this) {
    if (parent.cancelled()) {
      reason_ = parent.reason_;
    } else {
      parent.nodes_.push_back(link_);  // NOLINT(bugprone-copy-constructor-mutates-argument)
    }
  }
  cancel_scope(const cancel_scope&) = delete;
  cancel_scope& operator=(const cancel_scope&) = delete;

  bool cancelled() const { return reason_ != cancel_reason::none; }
  cancel_reason reason() const { return reason_; }

  // Asks everything registered here, and below, to stop. The first reason stays.
  void cancel(cancel_reason why) noexcept {
    ASSAY_PRECONDITION(why != cancel_reason::none, "what is cancelled has a reason");
    if (cancelled()) return;
    reason_ = why;
    // Popping one by one lets a callback unlink any other node meanwhile.
    while (cancel_node* node = nodes_.pop_front()) node->on_cancel_(*node, why);
  }

  // Registers a waiting operation; false when already cancelled, and then it must not wait.
  [[nodiscard]] bool add(cancel_node& node) {
    if (cancelled()) return false;
    nodes_.push_back(node);
    return true;
  }

 private:
  struct parent_link : cancel_node {
    explicit parent_link(cancel_scope* self) : cancel_node(&on_parent_cancel), owner(self) {}
    static void on_parent_cancel(cancel_node& node, cancel_reason why) noexcept {
      static_cast<parent_link&>(node).owner->cancel(why);
    }
    cancel_scope* owner;
  };

  intrusive_list<cancel_node> nodes_;
  cancel_reason reason_ = cancel_reason::none;
  parent_link link_;
};

}  // namespace assay
