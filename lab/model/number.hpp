// A number that is the whole of a text.
//
// Misuse: taking it for finite or positive; "nan", "inf" and "-1" are numbers here, and the caller's to refuse.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace assay::model {

inline std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace assay::model
