#include "stack/runtime/cancel.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace assay {
namespace {

struct listening_node : cancel_node {
  listening_node() : cancel_node(&on_cancel) {}
  static void on_cancel(cancel_node& node, cancel_reason why) noexcept {
    auto& self = static_cast<listening_node&>(node);
    self.calls++;
    self.heard = why;
    if (self.victim != nullptr && self.victim->linked()) self.victim->unlink();
  }
  int calls = 0;
  cancel_reason heard = cancel_reason::none;
  listening_node* victim = nullptr;  // unlinked from within the callback
};

TEST(cancel_scope_test, tells_every_node_once_and_keeps_the_first_reason) {
  cancel_scope scope;
  listening_node first;
  listening_node second;
  EXPECT_TRUE(scope.add(first));
  EXPECT_TRUE(scope.add(second));
  scope.cancel(cancel_reason::overload);
  scope.cancel(cancel_reason::user);
  EXPECT_EQ(scope.reason(), cancel_reason::overload);
  EXPECT_EQ(first.calls, 1);
  EXPECT_EQ(second.calls, 1);
  EXPECT_EQ(second.heard, cancel_reason::overload);
  EXPECT_FALSE(first.linked());
}

TEST(cancel_scope_test, refuses_nodes_once_cancelled) {
  cancel_scope scope;
  scope.cancel(cancel_reason::shutdown);
  listening_node late;
  EXPECT_FALSE(scope.add(late));
  EXPECT_FALSE(late.linked());
  EXPECT_EQ(late.calls, 0);
}

TEST(cancel_scope_test, reaches_scopes_below_but_not_above) {
  cancel_scope root;
  cancel_scope middle(root);
  cancel_scope leaf(middle);
  cancel_scope other(root);
  listening_node at_leaf;
  ASSERT_TRUE(leaf.add(at_leaf));
  middle.cancel(cancel_reason::peer_closed);
  EXPECT_EQ(leaf.reason(), cancel_reason::peer_closed);
  EXPECT_EQ(at_leaf.heard, cancel_reason::peer_closed);
  EXPECT_FALSE(root.cancelled());
  EXPECT_FALSE(other.cancelled());
  root.cancel(cancel_reason::shutdown);
  EXPECT_EQ(other.reason(), cancel_reason::shutdown);
  EXPECT_EQ(middle.reason(), cancel_reason::peer_closed);
}

TEST(cancel_scope_test, a_child_of_a_cancelled_scope_is_born_cancelled) {
  cancel_scope parent;
  parent.cancel(cancel_reason::deadline);
  const cancel_scope child(parent);
  EXPECT_EQ(child.reason(), cancel_reason::deadline);
}

TEST(cancel_scope_test, a_callback_may_unlink_its_neighbours) {
  cancel_scope scope;
  listening_node first;
  listening_node second;
  listening_node third;
  first.victim = &third;
  ASSERT_TRUE(scope.add(first));
  ASSERT_TRUE(scope.add(second));
  ASSERT_TRUE(scope.add(third));
  scope.cancel(cancel_reason::user);
  EXPECT_EQ(second.calls, 1);
  EXPECT_EQ(third.calls, 0);
}

TEST(cancel_scope_test, a_node_unlinks_itself_when_it_goes) {
  cancel_scope scope;
  {
    listening_node short_lived;
    ASSERT_TRUE(scope.add(short_lived));
  }
  scope.cancel(cancel_reason::user);
  EXPECT_TRUE(scope.cancelled());
}

TEST(cancel_scope_death_test, a_scope_must_not_outlive_its_parent) {
  const auto misuse = [] {
    std::optional<cancel_scope> parent(std::in_place);
    const cancel_scope child(*parent);
    parent.reset();
  };
  EXPECT_DEATH(misuse(), "an intrusive list was destroyed with nodes in it");
}

TEST(intrusive_list_death_test, a_linked_node_must_not_go) {
  struct node : list_node {};
  const auto misuse = [] {
    static intrusive_list<node> nodes;
    node linked;
    nodes.push_back(linked);
  };
  EXPECT_DEATH(misuse(), "an intrusive node was destroyed while linked");
}

TEST(intrusive_list_test, splices_and_visits_in_order) {
  struct node : list_node {
    explicit node(int n) : number(n) {}
    int number;
  };
  node one(1);
  node two(2);
  node three(3);
  intrusive_list<node> first;
  intrusive_list<node> second;
  first.push_back(one);
  second.push_back(two);
  second.push_back(three);
  first.splice_back(second);
  EXPECT_TRUE(second.empty());
  int digits = 0;
  first.for_each([&digits](node& each) { digits = digits * 10 + each.number; });
  EXPECT_EQ(digits, 123);
  two.unlink();
  EXPECT_EQ(first.pop_front(), &one);
  EXPECT_EQ(first.pop_front(), &three);
  EXPECT_EQ(first.pop_front(), nullptr);
}

}  // namespace
}  // namespace assay
