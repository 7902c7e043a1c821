#include "stack/net/connect.hpp"

#include "stack/net/address.hpp"
#include "stack/net/resolver.hpp"
#include "tests/stack/runtime/sim_test.hpp"

namespace assay::net {
namespace {

using namespace testing_support;

constexpr std::uint16_t open_port = 80;

socket_address port_at(std::uint16_t port) { return *parse_address("127.0.0.1", port); }

TEST(share_of_time_test, is_even_among_those_that_are_left) {
  const instant now(10s);
  EXPECT_EQ(share_of_time(now, now + 6s, 3), now + 2s);
  EXPECT_EQ(share_of_time(now, now + 6s, 1), now + 6s);
  EXPECT_EQ(share_of_time(now, never, 3), never);
  EXPECT_EQ(share_of_time(now, now, 3), now) << "nothing is left of it";
}

class connect_any_test : public sim_test {
 protected:
  explicit connect_any_test(duration latency = 1ms) : sim_test({.latency = latency}) {}

  // What became of it, with a server at `open_port` alone.
  static task<result<void>> reach(sim_io* network, std::vector<std::uint16_t> ports, duration limit) {
    const context& ctx = co_await this_context();
    const result<listener> door = listener::open(*network, port_at(open_port));
    EXPECT_TRUE(door);
    std::vector<socket_address> others;
    for (std::size_t i = 1; i < ports.size(); ++i) others.push_back(port_at(ports[i]));
    const result<stream> got =
        co_await connect_any(port_at(ports.front()), others, saturating_add(ctx.on->now(), limit));
    if (!got) co_return std::unexpected(got.error());
    co_return result<void>{};
  }
  result<void> try_to_reach(std::vector<std::uint16_t> ports, duration limit = 4s) {
    return on_.run(reach(&world_, std::move(ports), limit));
  }
};

TEST_F(connect_any_test, takes_the_first_that_can_be_reached) {
  EXPECT_TRUE(try_to_reach({open_port}));
  EXPECT_TRUE(try_to_reach({81, 82, open_port, 83}));
}

TEST_F(connect_any_test, tells_the_last_failure_when_there_is_none) {
  EXPECT_TRUE(failed_with(try_to_reach({81, 82}), errc::refused));
}

class far_away_test : public connect_any_test {
 protected:
  far_away_test() : connect_any_test(1min) {}
};

TEST_F(far_away_test, all_of_them_together_have_the_limit_of_one) {
  EXPECT_TRUE(failed_with(try_to_reach({open_port, open_port, open_port}), errc::timed_out, cancel_reason::deadline));
  EXPECT_EQ(elapsed(), 4s);
}

TEST_F(far_away_test, a_cancelled_caller_tries_no_other) {
  auto body = [](sim_io* network) -> task<void> {
    const context& ctx = co_await this_context();
    cancel_scope inner(*ctx.cancel);
    context impatient = ctx;
    impatient.cancel = &inner;
    network->at(ctx.on->now() + 1s, [&inner] { inner.cancel(cancel_reason::user); });
    EXPECT_TRUE(failed_with(co_await with_context(impatient, reach(network, {open_port, open_port}, 10s)),
                            errc::cancelled, cancel_reason::user));
  };
  on_.run(body(&world_));
  EXPECT_EQ(elapsed(), 1s);
}

class default_resolver_test : public sim_test {};

TEST_F(default_resolver_test, is_there_for_whoever_has_none) {
  const auto found = on_.run(resolve(default_resolver(), "localhost", open_port));
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_LE(found->size(), max_addresses);
}

}  // namespace
}  // namespace assay::net
