// Doubly linked list of nodes that live inside other objects: no allocation, O(1) unlink from anywhere.
//
// Misuse: destroying a node that is still linked would leave its neighbours dangling, so it aborts; unlink first.
#pragma once

#include <cstddef>

#include "stack/runtime/precondition.hpp"

namespace assay {

class list_node {
 public:
  list_node() = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;
  ~list_node() { ASSAY_PRECONDITION(!linked(), "an intrusive node was destroyed while linked"); }

  bool linked() const { return next_ != nullptr; }

  void unlink() {
    ASSAY_PRECONDITION(linked(), "only a node in a list is unlinked");
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = prev_ = nullptr;
  }

 private:
  template <class Node>
  friend class intrusive_list;
  list_node* prev_ = nullptr;
  list_node* next_ = nullptr;
};

// Node must derive from list_node (publicly, and only once).
template <class Node>
class intrusive_list {
 public:
  intrusive_list() { head_.prev_ = head_.next_ = &head_; }
  intrusive_list(const intrusive_list&) = delete;
  intrusive_list& operator=(const intrusive_list&) = delete;
  ~intrusive_list() {
    ASSAY_PRECONDITION(empty(), "an intrusive list was destroyed with nodes in it");
    head_.prev_ = head_.next_ = nullptr;
  }

  bool empty() const { return head_.next_ == &head_; }

  void push_back(Node& added) {
    list_node& node = added;
    ASSAY_PRECONDITION(!node.linked(), "a node is in one list at a time");
    node.prev_ = head_.prev_;
    node.next_ = &head_;
    head_.prev_->next_ = &node;
    head_.prev_ = &node;
  }

  Node& front() {
    ASSAY_PRECONDITION(!empty(), "an empty list has no front");
    return static_cast<Node&>(*head_.next_);
  }

  Node* pop_front() {
    if (empty()) return nullptr;
    Node& first = front();
    static_cast<list_node&>(first).unlink();
    return &first;
  }

  // Moves every node of `other` to the end of this list.
  void splice_back(intrusive_list& other) {
    if (other.empty()) return;
    list_node* first = other.head_.next_;
    list_node* last = other.head_.prev_;
    other.head_.next_ = other.head_.prev_ = &other.head_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
  }

  // Visits every node; the visitor must not change the list.
  template <class Visitor>
  void for_each(Visitor&& visit) const {
    for (list_node* node = head_.next_; node != &head_; node = node->next_) visit(static_cast<Node&>(*node));
  }

  // Whether there are more than so many, without a walk over all of them.
  bool longer_than(std::size_t count) const {
    const list_node* node = head_.next_;
    for (; node != &head_ && count > 0; --count) node = node->next_;
    return node != &head_;
  }

 private:
  mutable list_node head_;
};

}  // namespace assay
