// SHA-256 of what a result came from, in lower-case hex.
//
// Misuse: as a password hash, or to hide a value that can be guessed.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace assay::model {

// Of bytes that come in pieces: add() them, then hex() once.
class sha256 {
 public:
  sha256();
  ~sha256();
  sha256(sha256&&) noexcept;
  sha256& operator=(sha256&&) noexcept;
  void add(std::string_view bytes);
  std::string hex();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace assay::model
