// SHA-256 by OpenSSL's libcrypto, and work for the CPU: two hundred rounds of it over a body.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "stack/http/json.hpp"
#include "subjects/shop/cpp/shop.hpp"

namespace shop {

using namespace assay;

namespace {

using digest = std::array<unsigned char, 32>;
using hasher = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

constexpr int rounds = 200;
// What is done within about half a millisecond is not worth another thread; what takes longer must not hold up others.
constexpr std::size_t inline_bytes = 2048;

digest sha256(const hasher& by, std::string_view first, std::string_view second = {}) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);  // finding it costs a round
  digest of{};
  if (EVP_DigestInit_ex2(by.get(), algorithm, nullptr) != 1 ||
      EVP_DigestUpdate(by.get(), first.data(), first.size()) != 1 ||
      EVP_DigestUpdate(by.get(), second.data(), second.size()) != 1 ||
      EVP_DigestFinal_ex(by.get(), of.data(), nullptr) != 1) {
    throw std::runtime_error("libcrypto failed to hash");
  }
  return of;
}

std::string hex(const digest& of) { return fmt::format("{:02x}", fmt::join(of, "")); }

}  // namespace

std::string sha256_hex(std::string_view text) { return hex(sha256({EVP_MD_CTX_new(), &EVP_MD_CTX_free}, text)); }

std::string checksum_of(const std::string& body) {
  const hasher by(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  digest last = sha256(by, body);
  for (int i = 0; i < rounds; ++i) last = sha256(by, {reinterpret_cast<const char*>(last.data()), last.size()}, body);
  return http::json_object({{"sha256", hex(last)}, {"bytes", body.size()}});
}

task<response> checksum(shop* of, http::request& asked) {
  result<std::string> body = co_await asked.read_all(max_body_bytes);
  if (!body) co_return body_failure(body.error());
  if (body->empty()) co_return refuse(400, "empty");
  if (body->size() <= inline_bytes) co_return response::json(checksum_of(*body));
  result<std::string> done = co_await of->workers.run([bytes = std::move(*body)] { return checksum_of(bytes); });
  co_return done ? response::json(std::move(*done)) : response::from(done.error());
}

}  // namespace shop
