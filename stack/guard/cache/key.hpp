// What makes two requests the same to a cache, and which it leaves alone.
//
// Left alone: methods other than GET and HEAD, bodies, ranges, conditions (their answers are parts, or depend on what
// the caller has), credentials, and a caller who asks for a new answer or that none be kept.
//
// Misuse: a request as an earlier layer has left it, without what the answer depends on. The key is all that is
// compared.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/guard/cache/directives.hpp"
#include "stack/guard/cache/policy.hpp"
#include "stack/http/message.hpp"

namespace assay::guard::cache {

// Whether a field of that name and value takes its request past the cache.
inline bool goes_past(std::string_view name, std::string_view value, const options& by) {
  const auto is = [name](std::string_view other) { return http::equals_ignoring_case(name, other); };
  if (is("range") || is("if-match") || is("if-none-match") || is("if-modified-since") || is("if-unmodified-since") ||
      is("if-range") || is("upgrade")) {
    return true;
  }
  if (is("cache-control")) {
    directives asked;
    read_cache_control(value, asked);
    return asked.no_store || asked.no_cache || asked.malformed || (asked.max_age && asked.max_age->count() == 0);
  }
  return std::ranges::any_of(by.credential_fields, is);
}

// None when the request is not for the cache. `fields` has elements of a name and a value.
template <class Fields>
std::optional<std::string> key_of(std::string_view verb, std::string_view host, std::string_view target,
                                  const Fields& fields, const options& by) {
  if (verb != "GET" && verb != "HEAD") return std::nullopt;
  for (const auto& [name, value] : fields) {
    if (goes_past(name, value, by)) return std::nullopt;
  }
  // No part holds a line feed.
  std::string key(verb);
  key.append(" ").append(host).append("\n").append(target);
  for (const std::string& wanted : by.key_fields) {
    key += '\n';
    for (const auto& [name, value] : fields) {
      if (http::equals_ignoring_case(name, wanted)) key.append(value).append(",");
    }
  }
  return key;
}

}  // namespace assay::guard::cache
