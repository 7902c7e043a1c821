// The headers of W3C Trace Context (Recommendation, 23 November 2021): traceparent says which trace a request belongs
// to, tracestate carries what the tracing systems on its way want to find again.
//
//   const auto parent = observe::parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
//   headers.emplace_back("traceparent", observe::format_traceparent(ctx.trace));
//
// Strict, since both come from anyone: what does not fit the grammar is refused as a whole, as the standard demands. A
// higher version is read as far as 00 is known.
//
// Misuse: refusing a request for a bad traceparent. The request is good; the trace begins anew. And a tracestate
// without its traceparent, which belongs to no trace.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "stack/runtime/context.hpp"

namespace assay::observe {

inline constexpr std::size_t max_tracestate_members = 32;
// The standard asks for 512 at least.
inline constexpr std::size_t max_tracestate_bytes = 1024;

inline constexpr std::uint8_t trace_sampled = 0x01;
inline constexpr std::uint8_t trace_random = 0x02;  // of level 2: the trace id is random

enum class trace_error : std::uint8_t {
  bad_length,   // shorter than version 00, or longer where nothing may follow
  bad_version,  // "ff", or not two lowercase hexadecimal digits
  bad_format,   // a '-' is missing, or a field is not lowercase hexadecimal
  zero_id,      // the trace id or the parent id is all zero
};

// snake_case, for a log field.
std::string_view label(trace_error why);

// The identity of the caller: span_id is the id of its span. Flags that are not known are dropped.
std::expected<trace_identity, trace_error> parse_traceparent(std::string_view value);

// As version 00. Both ids must be there, or it aborts.
std::string format_traceparent(const trace_identity& of);

// Whether it is a list of at most 32 members with keys that differ, in the grammar of section 3.3.1, and not too long.
bool valid_tracestate(std::string_view value);

// Lowercase hexadecimal, two digits a byte.
std::string to_hex(const trace_identity& of);  // the trace id
std::string to_hex(std::uint64_t id);          // 16 digits: a request id
// 16 lowercase hexadecimal digits that are not all zero.
std::optional<std::uint64_t> parse_request_id(std::string_view value);

}  // namespace assay::observe
