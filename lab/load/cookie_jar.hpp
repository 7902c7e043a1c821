// The cookies of one session, of the one host that it talks to: a subset of RFC 6265.
//
// Kept are name, value, path, and how long (Max-Age, else whether Expires lies in the past, which deletes). Every
// cookie is the host's alone: Domain is passed over. So is Secure, because a service is loaded over http that people
// reach over https; HttpOnly and SameSite are a browser's.
//
// Misuse: sharing one between sessions; then they are one user.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stack/runtime/time.hpp"

namespace assay::load {

inline constexpr std::size_t max_cookies = 64;         // of a session; beyond them none is added
inline constexpr std::size_t max_cookie_bytes = 4096;  // of name, value and path together; a larger one is passed over
inline constexpr std::size_t max_cookie_line = 8 * 1024;  // what would be beyond it is not sent

class cookie_jar {
 public:
  // The value of a Set-Cookie field, in the answer to a request for `target`. `unix_s` is the wall's clock.
  void take(std::string_view set_cookie, std::string_view target, instant now, std::int64_t unix_s);
  // Appends "Cookie: a=1; b=2\r\n" with those that go with a request for `target`; nothing when there are none.
  void append_field(std::string_view target, instant now, std::string& to) const;
  std::size_t size() const { return cookies_.size(); }

 private:
  struct cookie {
    std::string name;
    std::string value;
    std::string path;
    instant until = never;
  };

  std::vector<cookie> cookies_;  // the longest path first, and then the oldest, as they are sent
};

// Seconds since 1970 of a cookie's date (RFC 6265 section 5.1.1); `otherwise` when it is none.
std::int64_t cookie_date(std::string_view text, std::int64_t otherwise);

// The name and the value that a Set-Cookie field begins with; the name is empty where it is none.
struct named_value {
  std::string_view name;
  std::string_view value;
};
named_value cookie_pair(std::string_view set_cookie);

}  // namespace assay::load
