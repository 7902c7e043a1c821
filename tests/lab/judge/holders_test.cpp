#include "lab/judge/holders.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace assay::judge {
namespace {

using model::cause;

constexpr std::uint64_t mb = 1'000'000;
constexpr unsigned looks_made = 12;

// The heap goes up and down by 8 MB as the collector comes; what is kept grows a look by so much.
std::vector<model::runtime_look> looks(std::uint64_t heap_mb, std::uint64_t outside_mb, std::uint64_t sockets) {
  std::vector<model::runtime_look> made;
  for (unsigned i = 0; i < looks_made; ++i) {
    made.push_back({.at_s = static_cast<double>(i),
                    .heap_used_bytes = (10 + i * heap_mb + 2 * (i % 4)) * mb,
                    .external_bytes = (2 + i * outside_mb) * mb,
                    .active = {{"TCPSocketWrap", 5 + i * sockets}, {"Timeout", 3 + i % 3}}});
  }
  return made;
}

std::string held(cause kind, const std::vector<model::runtime_look>& by) {
  model::diagnosis of{.verdict = kind, .text = "it grew"};
  of.findings.push_back({.kind = kind, .text = "it grew"});
  name_holders(of, by);
  EXPECT_EQ(of.text, of.findings.front().text) << "the verdict says what its finding says";
  return of.findings.front().text;
}

TEST(holders, memory_is_in_the_heap_or_outside_of_it) {
  EXPECT_EQ(held(cause::memory_leak, looks(0, 20, 0)),
            "it grew; buffers outside of the heap grew from 2.0 to 162.0 MB, the heap from 10.0 to 10.0 MB");
  EXPECT_EQ(held(cause::memory_leak, looks(20, 0, 0)),
            "it grew; objects in the heap grew from 10.0 to 170.0 MB, buffers outside of it from 2.0 to 2.0 MB");
}

TEST(holders, memory_may_be_with_what_there_is_more_and_more_of) {
  EXPECT_EQ(held(cause::memory_leak, looks(0, 0, 30)), "it grew; active TCPSocketWrap rose from 5 to 245");
  EXPECT_EQ(held(cause::memory_leak, looks(20, 0, 30)),
            "it grew; objects in the heap grew from 10.0 to 170.0 MB, buffers outside of it from 2.0 to 2.0 MB; active "
            "TCPSocketWrap rose from 5 to 245");
}

TEST(holders, what_has_risen_once_holds_nothing) {
  auto made = looks(0, 0, 0);
  for (unsigned i = 3; i < looks_made; ++i) made[i].active["TCPSocketWrap"] = 64 + i / 8;
  EXPECT_EQ(held(cause::memory_leak, made), "it grew");
  EXPECT_EQ(held(cause::socket_leak, made), "it grew");
}

TEST(holders, what_only_the_collector_moves_holds_nothing) {
  EXPECT_EQ(held(cause::memory_leak, looks(0, 0, 0)), "it grew");
}

TEST(holders, descriptors_are_of_the_kind_that_grows) {
  EXPECT_EQ(held(cause::socket_leak, looks(0, 0, 30)), "it grew; active TCPSocketWrap rose from 5 to 245");
  EXPECT_EQ(held(cause::descriptor_leak, looks(0, 0, 0)), "it grew");
  EXPECT_EQ(held(cause::task_leak, looks(20, 0, 30)), "it grew; active TCPSocketWrap rose from 5 to 245");
  EXPECT_EQ(held(cause::thread_leak, looks(20, 0, 30)), "it grew") << "a thread is no task";
}

TEST(holders, other_findings_and_few_looks_are_left_alone) {
  EXPECT_EQ(held(cause::cpu_bound, looks(20, 20, 30)), "it grew");
  auto few = looks(20, 20, 30);
  few.resize(5);
  EXPECT_EQ(held(cause::memory_leak, few), "it grew");
  model::diagnosis healthy{.verdict = cause::healthy, .text = "nothing"};
  name_holders(healthy, looks(20, 20, 30));
  EXPECT_EQ(healthy.text, "nothing");
}

TEST(holders, of_several_causes_each_is_named) {
  model::diagnosis of{.verdict = cause::mixed, .text = "it was away"};
  of.findings.push_back({.kind = cause::cpu_bound, .text = "it was away"});
  of.findings.push_back({.kind = cause::socket_leak, .text = "they grew"});
  name_holders(of, looks(0, 0, 30));
  EXPECT_EQ(of.text, "it was away");
  EXPECT_EQ(of.findings[1].text, "they grew; active TCPSocketWrap rose from 5 to 245");
}

}  // namespace
}  // namespace assay::judge
