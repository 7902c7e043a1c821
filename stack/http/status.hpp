// Status codes (RFC 9110 section 15): the phrases, and which of them rule out a body.
//
// Misuse: deciding by the phrase. It is decoration, servers send any text there or none; the number decides.
#pragma once

#include <string_view>

namespace assay::http {

// The registered phrase, e.g. "Not Found"; "Unknown" for a number without one, so that a status line stays readable.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

// "1xx" .. "5xx" for a metric label, "other" beyond: one label for each status would be a label for each mistake.
[[nodiscard]] std::string_view status_class(int status) noexcept;

// 1xx, 204 and 304 end with their head whatever the fields say (RFC 9112 section 6.3).
[[nodiscard]] constexpr bool status_forbids_body(int status) noexcept {
  return (status >= 100 && status < 200) || status == 204 || status == 304;
}

}  // namespace assay::http
