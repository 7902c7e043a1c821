// Replies of Redis as bytes, RESP2 or RESP3: the opposite of data::redis::reply_reader. Internal to fake_redis.
//
// Misuse: a status or an error with a line end in it; it would be two replies.
#pragma once

#include <string>

#include "stack/data/redis/reply.hpp"

namespace assay::testing::detail {

// What RESP2 does not have is what the real server makes of it there: a map is a list of keys and values.
std::string resp_bytes(const data::redis::reply& of, bool resp3);

}  // namespace assay::testing::detail
