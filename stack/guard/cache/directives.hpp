// What Cache-Control says, as far as this cache heeds it (RFC 9111 section 5.2).
//
// A list of names with optional arguments, a quoted string or a token; names in any case. What is not known is passed
// over, as the standard asks. What is malformed makes the answer one that is not kept: its author meant something.
//
// Misuse: reading one field line when there are several. They add up: call it for each.
#pragma once

#include <optional>
#include <string_view>

#include "stack/runtime/time.hpp"

namespace assay::guard::cache {

struct directives {
  bool no_store = false;
  bool no_cache = false;
  bool is_private = false;
  bool must_revalidate = false;  // or proxy-revalidate
  bool malformed = false;
  std::optional<duration> max_age = {};   // the shortest, when there are several
  std::optional<duration> s_maxage = {};  // for shared caches; goes before max-age
};

// Adds what one field's value says.
void read_cache_control(std::string_view value, directives& into);

// Whole seconds as Cache-Control and Age have them; none when it is anything but digits. More than a year is a year.
std::optional<duration> parse_seconds(std::string_view text);

}  // namespace assay::guard::cache
