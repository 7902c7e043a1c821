#include "lab/inside/blocking_sites.hpp"

#include <gtest/gtest.h>

#include "lab/inside/code_map.hpp"

namespace assay::inside {
namespace {

const std::map<std::uint16_t, std::string> ports{{40123, "third-party"}};

blocking_event call(const std::string& name, const std::string& peer, std::uint64_t at_ms, std::uint64_t length_ms) {
  blocking_event event{.tid = 7,
                       .start_ns = at_ms * 1'000'000,
                       .length_ns = length_ms * 1'000'000,
                       .call = name,
                       .peer = peer,
                       .stack = {"app.py:87 in price"},
                       .place = "app.py:87 in price",
                       .frames = {}};
  return event;
}

TEST(named_peer, names_known_ports_and_leaves_the_rest) {
  EXPECT_EQ(named_peer("127.0.0.1:40123", ports), "third-party (127.0.0.1:40123)");
  EXPECT_EQ(named_peer("[::1]:40123", ports), "third-party ([::1]:40123)");
  EXPECT_EQ(named_peer("127.0.0.1:5432", ports), "127.0.0.1:5432");
  for (const std::string peer : {"", ":", "/tmp/a:b", "host:", "host:99999999", "host:40123x"}) {
    EXPECT_EQ(named_peer(peer, ports), peer);
  }
}

TEST(blocking_sites, equal_calls_are_one_site_and_the_costliest_is_first) {
  blocking_sites sites(ports);
  sites.add(1, call("sleep", "", 100, 30));
  sites.add(1, call("recv", "127.0.0.1:40123", 200, 40));
  sites.add(2, call("recv", "127.0.0.1:40123", 300, 60));
  const auto found = sites.sites(0, 1'000'000'000, 100'000'000);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].call, "recv");
  EXPECT_EQ(found[0].peer, "third-party (127.0.0.1:40123)");
  EXPECT_EQ(found[0].place, "app.py:87 in price");
  EXPECT_EQ(found[0].count, 2U);
  EXPECT_DOUBLE_EQ(found[0].total_ms, 100);
  EXPECT_DOUBLE_EQ(found[0].longest_ms, 60);
  EXPECT_EQ(found[0].at_s, (std::vector<double>{0.1, 0.2}));
}

TEST(blocking_sites, calls_outside_the_window_do_not_count) {
  blocking_sites sites(ports);
  sites.add(1, call("sleep", "", 100, 30));
  EXPECT_TRUE(sites.sites(0, 100'000'000, 0).empty());
  EXPECT_TRUE(sites.sites(100'000'001, 200'000'000, 0).empty());
}

TEST(blocking_sites, a_cause_fills_half_of_the_stall_on_the_same_thread) {
  blocking_sites sites(ports);
  sites.add(1, call("recv", "127.0.0.1:40123", 110, 60));
  const auto cause = [&sites](std::uint32_t pid, std::uint32_t tid, std::uint64_t from, std::uint64_t to) {
    return sites.cause_of(pid, tid, from * 1'000'000, to * 1'000'000);
  };
  EXPECT_EQ(cause(1, 7, 100, 180), "recv, third-party (127.0.0.1:40123) at app.py:87 in price");
  EXPECT_EQ(cause(1, 7, 100, 300), "");
  EXPECT_EQ(cause(1, 8, 100, 180), "");
  EXPECT_EQ(cause(2, 7, 100, 180), "");
}

TEST(blocking_sites, many_calls_of_one_place_are_a_cause_together) {
  blocking_sites sites(ports);
  for (std::uint64_t i = 0; i < 4; ++i) sites.add(1, call("recv", "127.0.0.1:40123", 100 + 40 * i, 30));
  sites.add(1, call("sleep", "", 260, 35));
  EXPECT_EQ(sites.cause_of(1, 7, 100'000'000, 300'000'000),
            "recv, third-party (127.0.0.1:40123) at app.py:87 in price, 4 times");
}

TEST(blocking_sites, the_limit_on_sites_is_counted) {
  blocking_sites sites({});
  for (std::size_t i = 0; i < blocking_sites::most_sites + 3; ++i) sites.add(1, call("read", std::to_string(i), 1, 30));
  EXPECT_EQ(sites.dropped(), 3U);
  EXPECT_EQ(sites.sites(0, 1'000'000'000, 0).size(), blocking_sites::most_sites);
}

// Half a day of a service that blocks: many short calls, and now and then a long one.
TEST(blocking_sites, beyond_the_limit_on_calls_all_are_summed_and_the_longest_found_again) {
  blocking_sites sites({});
  constexpr std::uint64_t calls = 3 * blocking_sites::most_calls;
  constexpr std::uint64_t every = 10'000;
  for (std::uint64_t i = 0; i < calls; ++i) sites.add(1, call("recv", "", 100 * i, i % every == 0 ? 90 : 30));
  constexpr std::uint64_t end_ns = 100 * calls * 1'000'000;
  const auto found = sites.sites(0, end_ns, 0);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].count, calls);
  EXPECT_NEAR(found[0].total_ms, 30.0 * calls + 60.0 * (calls / every), 1);
  EXPECT_DOUBLE_EQ(found[0].longest_ms, 90);
  EXPECT_EQ(found[0].at_s.size(), blocking_sites::most_moments);
  EXPECT_EQ(sites.calls(), calls);
  EXPECT_EQ(sites.dropped(), 0U);
  for (std::uint64_t i = 0; i < calls; i += every) {
    EXPECT_NE(sites.cause_of(1, 7, 100 * i * 1'000'000, (100 * i + 95) * 1'000'000), "") << i;
  }
  EXPECT_TRUE(sites.sites(end_ns, 2 * end_ns, 0).empty()) << "none began in there";
}

TEST(code_map, own_code_is_what_is_no_system_library) {
  const code_map map(
      "55e000000000-55e000001000 r--p 00000000 08:01 11  /srv/shop/server\n"
      "55e000001000-55e000009000 r-xp 00001000 08:01 11  /srv/shop/server\n"
      "7f0000000000-7f0000100000 r-xp 00020000 08:01 12  /usr/lib/x86_64-linux-gnu/libc.so.6\n"
      "7f0000200000-7f0000210000 r-xp 00000000 08:01 13  /opt/assay/libassay_probe.so\n"
      "7ffc00000000-7ffc00001000 r-xp 00000000 00:00 0  [vdso]\n"
      "cut");
  const auto frames = map.translate({0x7f0000200010, 0x7f0000000040, 0x55e000001234, 0x1});
  EXPECT_EQ(frames.stack, (std::vector<std::string>{"libc.so.6+0x20040", "server+0x1234"}));
  EXPECT_EQ(frames.place, "server+0x1234");
}

TEST(code_map, garbage_is_no_module) {
  for (const auto* text : {"", "\n\n", "/", "x-y /z", "1-2 r-xp / /a", "zz-10 r-xp 0 0:0 0 /a\n"}) {
    EXPECT_TRUE(code_map(text).translate({1, 5, 100}).stack.empty()) << text;
  }
}

}  // namespace
}  // namespace assay::inside
