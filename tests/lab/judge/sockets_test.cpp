#include "lab/judge/sockets.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace assay::judge {
namespace {

using model::cause;

std::vector<model::connection_look> connections(unsigned number) {
  std::vector<model::connection_look> made;
  for (unsigned i = 0; i < number; ++i) {
    made.push_back({.at_s = 0.25 * i,
                    .in_flight = 4,
                    .outgoing = {{.peer = "10.0.0.1:80", .open = 4}, {.peer = "10.0.0.2:80", .open = 2}},
                    .states = {{"ESTABLISHED", 10}},
                    .accept_queue = i % 5,
                    .accept_limit = 128});
  }
  return made;
}

TEST(accept_queue, that_is_full_again_and_again_is_a_finding_where_nothing_else_was_found) {
  auto seen = connections(40);
  for (unsigned i = 0; i < 40; i += 8) seen[i].accept_queue = 129;
  model::diagnosis made;
  add_full_accept_queue(made, seen);
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].kind, cause::accept_queue_full);
  EXPECT_TRUE(made.findings[0].text.starts_with(
      "the queue of connections that wait to be accepted was full, at 128, in 5 of 40 looks under load"))
      << made.findings[0].text;
  model::diagnosis blocked{.findings = {{.kind = cause::blocking_call}}};
  add_full_accept_queue(blocked, seen);
  EXPECT_EQ(blocked.findings.size(), 1U);
  ASSERT_EQ(blocked.remarks.size(), 1U);
}

TEST(accept_queue, that_was_full_once_or_that_is_not_there_is_none) {
  auto seen = connections(40);
  seen[7].accept_queue = 129;
  seen[8].accept_queue = 129;
  model::diagnosis made;
  add_full_accept_queue(made, seen);
  for (auto& each : seen) each.accept_queue = each.accept_limit = 0;
  add_full_accept_queue(made, seen);
  add_full_accept_queue(made, {});
  EXPECT_TRUE(made.findings.empty());
  EXPECT_TRUE(made.remarks.empty());
}

std::vector<model::connection_look> unclosed(bool of_peer) {
  auto seen = connections(120);
  for (unsigned i = 0; i < seen.size(); ++i) {
    seen[i].states["CLOSE_WAIT"] = i / 2;
    if (of_peer) seen[i].outgoing[1].close_wait = i / 2;
  }
  return seen;
}

TEST(unclosed_connections, that_grow_without_end_are_a_leak_and_name_the_peer) {
  model::diagnosis made;
  add_unclosed(made, unclosed(true));
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].kind, cause::socket_leak);
  EXPECT_EQ(made.findings[0].peer, "10.0.0.2:80");
  EXPECT_TRUE(made.findings[0].text.starts_with("connections to 10.0.0.2:80 that the other side has closed"))
      << made.findings[0].text;
  model::diagnosis own;
  add_unclosed(own, unclosed(false));
  ASSERT_EQ(own.findings.size(), 1U);
  EXPECT_EQ(own.findings[0].peer, "") << "they are those of its clients";
}

TEST(unclosed_connections, are_what_a_leak_of_sockets_is_made_of) {
  model::diagnosis made{.findings = {{.kind = cause::socket_leak, .text = "open sockets grew"}}};
  add_unclosed(made, unclosed(true));
  ASSERT_EQ(made.findings.size(), 1U);
  EXPECT_EQ(made.findings[0].peer, "10.0.0.2:80");
  EXPECT_EQ(made.findings[0].text,
            "open sockets grew; 59 are in CLOSE_WAIT to 10.0.0.2:80: the other side has closed them, the service has "
            "not");
}

TEST(unclosed_connections, that_come_and_go_are_none) {
  auto seen = connections(120);
  for (unsigned i = 0; i < seen.size(); ++i) seen[i].states["CLOSE_WAIT"] = i % 9;
  model::diagnosis made;
  add_unclosed(made, seen);
  add_unclosed(made, {});
  EXPECT_TRUE(made.findings.empty());
}

}  // namespace
}  // namespace assay::judge
