// SHA-256 by OpenSSL's libcrypto.
//
// Misuse: a hasher shared by threads; each has its own.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;
struct evp_md_st;

namespace shop {

using digest = std::array<unsigned char, 32>;

class sha256 {
 public:
  // Throws std::bad_alloc, or std::runtime_error when the library has no SHA-256.
  sha256();

  // Of `first` followed by `second`.
  digest of(std::string_view first, std::string_view second = {});

 private:
  struct free_context {
    void operator()(evp_md_ctx_st* held) const noexcept;
  };
  struct free_algorithm {
    void operator()(evp_md_st* held) const noexcept;
  };
  std::unique_ptr<evp_md_st, free_algorithm> algorithm_;
  std::unique_ptr<evp_md_ctx_st, free_context> context_;
};

std::string hex(const digest& of);

}  // namespace shop
