// Work for the CPU: two hundred rounds of SHA-256 over the body.
#include <fmt/format.h>

#include "subjects/shop/cpp/replies.hpp"
#include "subjects/shop/cpp/sha256.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace shop {

using namespace assay;

namespace {

constexpr int rounds = 200;
// What is done within about half a millisecond is not worth another thread; what takes longer must not hold up the
// other connections of the loop.
constexpr std::size_t inline_bytes = 2048;

std::string checksum_of(const std::string& body) {
  sha256 hasher;
  digest last = hasher.of(body);
  for (int round = 0; round < rounds; ++round) {
    last = hasher.of({reinterpret_cast<const char*>(last.data()), last.size()}, body);
  }
  return fmt::format(R"({{"sha256":"{}","bytes":{}}})", hex(last), body.size());
}

}  // namespace

task<http::response> shop::checksum(http::request& asked) {
  result<std::string> body = co_await read_body(asked);
  if (!body) co_return body_failure(body.error());
  if (body->empty()) co_return refuse(400, "empty");
  if (body->size() <= inline_bytes) co_return http::response::json(checksum_of(*body));
  result<std::string> done = co_await workers_.run([bytes = std::move(*body)] { return checksum_of(bytes); });
  if (!done) co_return refuse(503, "overloaded");
  co_return http::response::json(std::move(*done));
}

}  // namespace shop
