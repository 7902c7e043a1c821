// The layers of a server in their order: what one refuses costs nothing of those inside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "stack/guard/idempotency/layer.hpp"
#include "stack/guard/rate_limit/layer.hpp"
#include "stack/guard/shed/layer.hpp"
#include "stack/guard/timeout/layer.hpp"
#include "tests/stack/http/server_test_support.hpp"

namespace assay::guard {
namespace {

using namespace std::chrono_literals;
using http::testing::post;
using http::testing::statuses;
using ::testing::ElementsAre;

struct guarded_service {
  std::shared_ptr<shed::policy> admission =
      std::make_shared<shed::policy>(shed::options{.max_in_flight = 1, .max_waiting = 0});
  std::shared_ptr<rate_limit::policy> quota =
      std::make_shared<rate_limit::policy>(rate_limit::options{.requests = 1, .per = 1s, .burst = 2});
  std::shared_ptr<timeout::policy> limit = std::make_shared<timeout::policy>(timeout::options{.limit = 5s});
  std::shared_ptr<idempotency::policy> store = std::make_shared<idempotency::policy>(idempotency::options{});

  http::handler handler() const {
    return compose({shed::layer(admission), rate_limit::layer(quota, rate_limit::for_all()), timeout::layer(limit),
                    idempotency::layer(store)},
                   http::handler(http::testing::answer_target));
  }
};

// "/sleep" takes 100 ms; each client's connection ends with its request.
http::testing::client_script order(duration at, const std::string& key, const std::string& fields = {}) {
  return {.pieces = {{at, post("/sleep", "tea", "connection: close\r\nidempotency-key: " + key + "\r\n" + fields)}}};
}

TEST(guard_order, what_is_shed_takes_no_token_and_what_is_limited_or_late_no_key) {
  const guarded_service service;
  const auto seen = http::testing::play(
      {.serve = service.handler(),
       .clients = {order(0ms, "a"), order(50ms, "b"), order(150ms, "c", "request-timeout-ms: 0\r\n"), order(160ms, "d"),
                   order(2s, "a")}});
  EXPECT_THAT(statuses(seen.clients[0]), ElementsAre(200));
  EXPECT_THAT(statuses(seen.clients[1]), ElementsAre(503)) << "the only place is taken";
  EXPECT_THAT(statuses(seen.clients[2]), ElementsAre(504)) << "with the second token: the shed one took none";
  EXPECT_THAT(statuses(seen.clients[3]), ElementsAre(429));
  EXPECT_THAT(statuses(seen.clients[4]), ElementsAre(200));
  EXPECT_EQ(seen.clients[4].when("idempotent-replayed"), 2s) << "at once";
  EXPECT_EQ(service.quota->counted().allowed, 3U);
  EXPECT_EQ(service.store->counted().carried_out, 1U);
  EXPECT_EQ(service.store->keys(), 1U);
}

}  // namespace
}  // namespace assay::guard
