#include "stack/net/address.hpp"

#include <gtest/gtest.h>

#include "stack/net/resolver.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay::net {
namespace {

using namespace testing_support;

TEST(address_test, numeric_addresses_survive_the_round_trip) {
  for (const auto& [host, text] : {std::pair{"127.0.0.1", "127.0.0.1:8080"}, std::pair{"::1", "[::1]:8080"}}) {
    const result<socket_address> parsed = parse_address(host, 8080);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(format_address(*parsed), text);
    EXPECT_EQ(port_of(*parsed), 8080);
  }
}

TEST(address_test, names_and_nonsense_are_refused) {
  for (const char* host : {"localhost", "", "127.0.0", "127.0.0.1.1", "[::1]", "256.0.0.1", " 127.0.0.1"}) {
    EXPECT_TRUE(failed_with(parse_address(host, 80), errc::invalid_argument)) << host;
  }
}

TEST(address_test, of_this_host_are_those_of_loopback) {
  for (const char* host : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_loopback(*parse_address(host, 80))) << host;
  }
  for (const char* host :
       {"0.0.0.0", "10.0.0.1", "126.0.0.1", "128.0.0.1", "::", "::2", "::ffff:10.0.0.1", "fe80::1"}) {
    EXPECT_FALSE(is_loopback(*parse_address(host, 80))) << host;
  }
  EXPECT_FALSE(is_loopback({}));
}

class resolver_test : public sim_test {};

TEST_F(resolver_test, numeric_hosts_need_no_thread) {
  offload_pool pool({.threads = 1, .max_queued = 1});
  const auto found = on_.run(resolve(pool, "127.0.0.1", 80));
  ASSERT_TRUE(found);
  EXPECT_EQ(format_address(found->front()), "127.0.0.1:80");
}

TEST_F(resolver_test, names_are_looked_up_on_the_pool) {
  offload_pool pool({.threads = 1, .max_queued = 1});
  const auto found = on_.run(resolve(pool, "localhost", 80));
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(port_of(found->front()), 80);
  EXPECT_TRUE(failed_with(on_.run(resolve(pool, "not a name", 80)), errc::unresolved));
}

}  // namespace
}  // namespace assay::net
