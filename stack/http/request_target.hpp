// The request target and the Host field: the four forms of RFC 9112 section 3.2, and what an authority may
// contain. Private to this room.
//
// Misuse: taking a target that passed for a safe path. Only its form is checked: "/../etc/passwd" and
// "/%2e%2e/" are well-formed targets.
#pragma once

#include <optional>
#include <string_view>

#include "stack/http/message.hpp"

namespace assay::http::detail {

// The authority inside a target of valid form: empty for origin-form and "*". nullopt: no form valid for the
// method. The bytes of `target` have been checked before (visible ASCII, no '#'), and there is at least one.
[[nodiscard]] std::optional<std::string_view> authority_of_target(method verb, std::string_view target) noexcept;

enum class port_rule : unsigned char { optional, required };

// uri-host [ ":" port ] of RFC 3986, tighter in what only attackers use: the host is not empty, the port is
// at most 65535, an address in brackets is made of hex digits, colons and dots (no IPvFuture, no zone).
[[nodiscard]] bool is_authority(std::string_view text, port_rule port) noexcept;

}  // namespace assay::http::detail
