// Whether whoever asks sits on this host, as far as a request tells.
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <utility>

#include "stack/guard/access_log/endpoints.hpp"
#include "stack/net/address.hpp"

namespace assay::guard::access_log {
namespace {

// A request without a network, of somebody.
class request_of final : public http::request {
 public:
  explicit request_of(const char* from, std::string name = "localhost:8080", const char* field = nullptr)
      : from_(*net::parse_address(from, 80)), name_(std::move(name)) {
    head_.host = name_;
    if (field != nullptr) std::ignore = head_.headers.push_back({field, "192.0.2.7"});
  }
  socket_address peer() const override { return from_; }
  task<result<std::string_view>> read() override { co_return std::string_view(); }

 private:
  socket_address from_;
  std::string name_;
};

TEST(this_host, whoever_asks_by_another_name_or_through_a_proxy_is_not_of_this_host) {
  for (const char* name : {"127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:80", "LOCALHOST"}) {
    EXPECT_TRUE(is_from_this_host(request_of("127.0.0.1", name))) << name;
  }
  for (const char* name : {"shop.example", "evil.example:8080", "192.0.2.1", "", "[", "localhost.example"}) {
    EXPECT_FALSE(is_from_this_host(request_of("127.0.0.1", name))) << name;
  }
  for (const char* field : {"via", "forwarded", "X-Forwarded-For", "x-forwarded-proto", "X-Real-IP"}) {
    EXPECT_FALSE(is_from_this_host(request_of("127.0.0.1", "localhost", field))) << field;
  }
}

TEST(this_host, whoever_is_elsewhere_is_not_of_this_host) {
  EXPECT_TRUE(is_from_this_host(request_of("127.0.0.1")));
  EXPECT_FALSE(is_from_this_host(request_of("192.0.2.7")));
}

}  // namespace
}  // namespace assay::guard::access_log
