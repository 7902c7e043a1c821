// Where a Redis is and who asks: a URL taken apart.
//
//   redis://[user[:password]@]host[:port][/database]
//
//   const std::string url = http::or_refuse(data::redis::checked_url("REDIS_URL", *http::setting("REDIS_URL", "")));
//
// Misuse: logging a URL or a target; they hold a password.
#pragma once

#include <cstdint>
#include <expected>
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

// The URL of a setting as it is, also an empty one, which means that there is no Redis; or the line that refuses it by
// the setting's name, without the URL.
std::expected<std::string, std::string> checked_url(std::string_view setting, std::string url);

}  // namespace assay::data::redis
