#include "lab/inside/proc.hpp"

#include <gtest/gtest.h>

#include "lab/inside/environment.hpp"
#include "lab/inside/observer.hpp"
#include "lab/inside/process_sampler.hpp"

namespace assay::inside {
namespace {

const std::string good =
    "4242 (odd) name (x) S 17 4242 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 12 0 987654 1000 200 18446744073709551615";

TEST(parse_stat, the_name_may_hold_anything) {
  const auto stat = parse_stat(good);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 4242U);
  EXPECT_EQ(stat->parent, 17U);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->cpu_ticks, 300U);
  EXPECT_EQ(stat->threads, 12U);
  EXPECT_EQ(stat->start_ticks, 987654U);
}

TEST(parse_stat, a_cut_line_is_nothing) {
  const auto enough = good.find(" 1000 200");
  for (std::size_t length = 0; length < enough - 6; ++length)
    EXPECT_FALSE(parse_stat(good.substr(0, length))) << length;
  EXPECT_TRUE(parse_stat(good.substr(0, enough)));
  EXPECT_FALSE(parse_stat(")( S 1"));
  EXPECT_FALSE(parse_stat("1 (a) S x 0"));
}

TEST(status_value, takes_the_whole_key) {
  const std::string text = "VmRSS:\t  120 kB\nnonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t7\nBad:\tx\n";
  EXPECT_EQ(status_value(text, "VmRSS"), 120U);
  EXPECT_EQ(status_value(text, "voluntary_ctxt_switches"), 7U);
  EXPECT_EQ(status_value(text, "Vm"), 0U);
  EXPECT_EQ(status_value(text, "Bad"), 0U);
  EXPECT_EQ(status_value("VmRSS", "VmRSS"), 0U);
}

TEST(environment, lists_are_put_in_front) {
  const probe_files probe{"/a/libassay_probe.so", "/a/python", "/a/node/shim.cjs"};
  const auto python = environment(probe, "/d", "python", {{"PYTHONPATH", "/mine"}, {"LD_PRELOAD", "/b.so"}});
  EXPECT_EQ(python.at("PYTHONPATH"), "/a/python:/mine");
  EXPECT_EQ(python.at("LD_PRELOAD"), "/a/libassay_probe.so:/b.so");
  EXPECT_EQ(python.at("ASSAY_PROBE_DIR"), "/d");
  EXPECT_FALSE(python.contains("NODE_OPTIONS"));
  EXPECT_FALSE(environment(probe, "/d", "cpp").contains("PYTHONPATH"));
  const auto node = environment(probe, "/d", "node", {{"NODE_OPTIONS", "--no-warnings"}});
  EXPECT_EQ(node.at("NODE_OPTIONS"), "--require /a/node/shim.cjs --no-warnings");
  EXPECT_FALSE(node.contains("PYTHONPATH"));
  const auto any = environment(probe, "/d", "auto");
  EXPECT_TRUE(any.contains("PYTHONPATH") && any.contains("NODE_OPTIONS"));
}

}  // namespace
}  // namespace assay::inside
