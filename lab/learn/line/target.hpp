// A request's target, taken apart: the segments of its path and the keys of its query, and what each segment looks
// like.
//
// Segments come out in one spelling: printable ASCII, with %XX for every other byte and for what has a meaning in a
// template ({, }). Parameters of a segment (";jsessionid=…") are dropped.
//
// Misuse: taking a segment for the bytes a server saw; it is the form to send again.
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

struct split_target {
  std::vector<std::string> segments;    // "/" has none; "/items/" has "items" and ""
  std::vector<std::string> query_keys;  // each once
};

// Empty when there is no path ("*", "host:443") or it is deeper than max_segments. `target` without log escapes.
std::optional<split_target> split(std::string_view target);

enum class shape : std::uint8_t { integer, uuid, hex, date, slug, text };
inline constexpr std::size_t shape_count = 6;

std::string_view label(shape of);

// By its characters alone. slug: several words or letters with digits, as titles and codes have them; "v2" and
// "sign-in" are text, as names of resources are.
shape classify(std::string_view segment);

// Of "site.min.css" "css"; empty when the segment does not look like a file.
std::string_view file_extension(std::string_view segment);

}  // namespace assay::learn
