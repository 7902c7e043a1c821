// An answer as it is kept, to be given again: by idempotency, by a cache.
//
// Misuse: keeping the answer of a stream. Its body is not in it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "stack/http/handler.hpp"

namespace assay::guard {

struct answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers = {};
  http::media_type content_type = {};  // of a handler's; that of an exchange is one of the headers
  std::string body = {};
};

// What it takes in memory, roughly.
inline std::size_t size_of(const answer& given) {
  constexpr std::size_t itself = 256;  // with the entry that holds it
  std::size_t bytes = itself + given.body.size();
  for (const auto& [name, value] : given.headers) bytes += name.size() + value.size();
  return bytes;
}

}  // namespace assay::guard
