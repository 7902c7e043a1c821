// A request's target, taken apart: the segments of its path and the keys of its query.
//
// Segments come out in one spelling, that of RFC 3986, 6.2.2: printable ASCII, with %XX in upper case for every other
// byte and for what has a meaning in a template ({, }), and no escape for what needs none (%7E is ~). Parameters of a
// segment (";jsessionid=…") are dropped.
//
// Misuse: taking a segment for the bytes a server saw; it is the form to send again. And keeping a segment's view
// beyond the next split() into the same target.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::learn {

inline constexpr std::size_t max_segments = 16;
inline constexpr std::size_t max_segment_bytes = 128;
inline constexpr std::size_t max_query_keys = 16;

// Used again for the next target it does not allocate.
class split_target {
 public:
  split_target() = default;
  split_target(const split_target&) = delete;
  split_target& operator=(const split_target&) = delete;
  split_target(split_target&&) = default;
  split_target& operator=(split_target&&) = default;
  ~split_target() = default;

  std::vector<std::string_view> segments;    // "/" has none; "/items/" has "items" and ""
  std::vector<std::string_view> query_keys;  // each once

 private:
  friend bool split(std::string_view target, split_target& to);
  std::string_view spell(std::string_view raw);
  void read_keys(std::string_view query);

  std::vector<char> text_;  // moves with its bytes, as a short string would not
};

// False when there is no path ("*", "host:443") or it is deeper than max_segments. `target` without log escapes.
bool split(std::string_view target, split_target& to);
std::optional<split_target> split(std::string_view target);

// The one spelling of a segment, cut to max_segment_bytes.
std::string one_spelling(std::string_view raw);

}  // namespace assay::learn
