#include "subjects/shop/cpp/sha256.hpp"

#include <openssl/evp.h>

#include <new>
#include <stdexcept>

namespace shop {

void sha256::free_context::operator()(evp_md_ctx_st* held) const noexcept { EVP_MD_CTX_free(held); }
void sha256::free_algorithm::operator()(evp_md_st* held) const noexcept { EVP_MD_free(held); }

// Fetched once: looking an algorithm up costs more than hashing a small message.
sha256::sha256() : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
  if (algorithm_ == nullptr) throw std::runtime_error("libcrypto has no SHA-256");
  if (context_ == nullptr) throw std::bad_alloc();
}

digest sha256::of(std::string_view first, std::string_view second) {
  digest into{};
  const bool done = EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1 &&
                    EVP_DigestUpdate(context_.get(), first.data(), first.size()) == 1 &&
                    EVP_DigestUpdate(context_.get(), second.data(), second.size()) == 1 &&
                    EVP_DigestFinal_ex(context_.get(), into.data(), nullptr) == 1;
  if (!done) throw std::runtime_error("libcrypto failed to hash");
  return into;
}

std::string hex(const digest& of) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(of.size() * 2);
  for (const unsigned char byte : of) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace shop
