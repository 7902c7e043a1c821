// The proxy and the service as they are used: real threads, real sockets.
#include "lab/fault/proxy.hpp"

#include <gtest/gtest.h>

#include "lab/fault/http_service.hpp"
#include "stack/http/client.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::fault {
namespace {

using namespace std::chrono_literals;

socket_address local(std::uint16_t port) { return *net::parse_address("127.0.0.1", port); }

class behind_a_proxy : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started = http_service::start({.latency = {.median = 1ms}, .reply = R"({"d": {n*7%31}})"});
    ASSERT_TRUE(started) << started.error();
    service_ = std::move(*started);
    auto proxied = proxy::start({{.name = "third-party", .upstream = local(service_->port())}}, 1);
    ASSERT_TRUE(proxied) << proxied.error();
    proxy_ = std::move(*proxied);
  }

  // The body that GET `path` gives through the proxy, or the name of the failure.
  std::string get(const std::string& path, duration limit = 5s) {
    loop on(*make_io({.kind = io_kind::epoll}));
    return on.run(ask(&on, local(proxy_->port("third-party")), path, limit));
  }

  std::unique_ptr<http_service> service_;
  std::unique_ptr<proxy> proxy_;

 private:
  static task<std::string> ask(loop* on, socket_address at, std::string target, duration limit);
};

TEST_F(behind_a_proxy, the_service_answers_as_told) {
  EXPECT_EQ(get("/quotes/42"), R"({"d": 15})");
  EXPECT_EQ(service_->requests(), 1U);
  EXPECT_EQ(proxy_->counters().at("third-party").connections, 1U);
}

TEST_F(behind_a_proxy, a_fault_comes_and_goes) {
  ASSERT_TRUE(proxy_->apply({{.dependency = "third-party", .kind = model::fault_kind::outage}}));
  EXPECT_NE(get("/quotes/1"), R"({"d": 7})");
  proxy_->clear();
  EXPECT_EQ(get("/quotes/1"), R"({"d": 7})");
  ASSERT_TRUE(proxy_->apply({{.dependency = "third-party", .latency_median = 1min}}));
  EXPECT_EQ(get("/quotes/1", 100ms), "timed_out");
  proxy_->clear();
  EXPECT_EQ(get("/quotes/1"), R"({"d": 7})");
}

TEST_F(behind_a_proxy, a_fault_on_an_unknown_dependency_changes_nothing) {
  const auto applied = proxy_->apply({{.dependency = "cache", .kind = model::fault_kind::outage}});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error(), "fault on \"cache\": no such dependency behind the proxy");
  EXPECT_EQ(get("/quotes/1"), R"({"d": 7})");
  EXPECT_EQ(proxy_->port("cache"), 0);
}

task<std::string> behind_a_proxy::ask(loop* on, socket_address at, std::string target, duration limit) {
  http::client from({.host = "third-party", .address = at});
  const result<http::client_response> got =
      co_await with_deadline(on->now() + limit, from.send({.target = std::move(target)}));
  if (!got) co_return std::string(label(got.error().code));
  co_return got->body;
}

}  // namespace
}  // namespace assay::fault
