// SHA-256 by OpenSSL's libcrypto, and work for the CPU: two hundred rounds of it over a body.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <stdexcept>

#include "subjects/shop/cpp/shop.hpp"

namespace shop {

std::string sha256_hex(std::string_view text, int again) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);  // finding it costs a round
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> by(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  std::array<unsigned char, 32> last{};
  for (int i = 0; i <= again; ++i) {
    const bool done = EVP_DigestInit_ex2(by.get(), algorithm, nullptr) == 1 &&
                      EVP_DigestUpdate(by.get(), last.data(), i == 0 ? 0 : last.size()) == 1 &&
                      EVP_DigestUpdate(by.get(), text.data(), text.size()) == 1 &&
                      EVP_DigestFinal_ex(by.get(), last.data(), nullptr) == 1;
    if (!done) throw std::runtime_error("libcrypto failed to hash");
  }
  return fmt::format("{:02x}", fmt::join(last, ""));
}

std::string checksum_of(const std::string& body) {
  return http::json_object({{"sha256", sha256_hex(body, 200)}, {"bytes", body.size()}});
}

task<response> checksum(shop* of, http::request& asked) {
  result<std::string> body = co_await asked.read_all(max_body_bytes);
  if (!body) co_return body_failure(body.error());
  if (body->empty()) co_return refuse(400, "empty");
  // Within about half a millisecond it is not worth another thread; what takes longer must not hold up others.
  if (body->size() <= 2048) co_return response::json(checksum_of(*body));
  result<std::string> done = co_await of->workers.run([bytes = std::move(*body)] { return checksum_of(bytes); });
  co_return done ? response::json(std::move(*done)) : response::from(done.error());
}

}  // namespace shop
