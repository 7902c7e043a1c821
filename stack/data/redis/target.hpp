// Where a Redis is and who asks: a URL taken apart.
//
//   redis://[user[:password]@]host[:port][/database]
//
// Misuse: logging a URL or a target; they hold a password.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "stack/data/redis/redis_error.hpp"

namespace assay::data::redis {

struct target {
  std::string host;  // numeric, without brackets, or a name
  std::uint16_t port = 6379;
  std::string user;  // empty: the server's default user
  std::string password;
  unsigned database = 0;

  // errc::invalid_argument: not such a URL; errc::unsupported: rediss://.
  static redis_result<target> parse(std::string_view url);
};

}  // namespace assay::data::redis
