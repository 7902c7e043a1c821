// The transport formats of a histogram: HdrHistogram V2 binary, V2 compressed and the base64 text of the
// latter that HdrHistogram logs carry. Any HdrHistogram implementation reads what we write, and the other way
// round.
//
// What it is for: storing and comparing runs, and feeding plotters that already speak HdrHistogram.
// The format holds bucket counts alone: after a round trip the buckets (hence the quantiles) are identical,
// but min(), max() and mean() are those of the buckets, and saturated() is zero. Store these beside the text.
//
// How it is misused: decoding with *decode_v2_base64(text) without looking at the error; raising
// decode_limits for bytes of strangers (a header of 40 bytes may ask for a 47 MiB histogram).
//
// Format (all integers big-endian; source: encodeIntoByteBuffer of AbstractHistogram and ZigZagEncoding of
// HdrHistogram, https://github.com/HdrHistogram/HdrHistogram):
//   V2:          u32 cookie 0x1c849313, u32 payload bytes, i32 normalizing index offset (0), i32 digits,
//                i64 lowest discernible, i64 highest trackable, f64 conversion ratio (1.0), payload
//   payload:     ZigZag LEB128 of at most 9 bytes (the ninth carries 8 bits): n >= 0 is the count of the next
//                bucket, -n stands for n empty buckets; buckets after the last one given are empty
//   compressed:  u32 cookie 0x1c849314, u32 length, zlib stream of the whole V2 form
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stack/observe/histogram.hpp"

namespace assay::observe {

/// What a decoder may be made to allocate by the bytes it is given; checked before allocating. At most 9
/// bytes a bucket for the payload and twice 8 for the counts; besides that base64 takes three quarters of its
/// text.
struct decode_limits {
  /// Buckets of the histogram; the default holds every layout of up to four digits (8 MiB of counts).
  std::size_t buckets = std::size_t{1} << 20;
};

enum class decode_error {
  truncated,               ///< the bytes end before the format does
  trailing_bytes,          ///< bytes after the end of the format
  bad_cookie,              ///< not a V2 histogram (or a compressed one where a plain one was asked for)
  bad_length,              ///< a stated length that no histogram of the stated layout can have
  unsupported_offset,      ///< normalizing index offset other than 0 (a shifted histogram)
  unsupported_ratio,       ///< conversion ratio other than 1.0 (a histogram of doubles)
  bad_lowest_discernible,  ///< as histogram_error
  bad_highest_trackable,   ///< as histogram_error
  bad_significant_digits,  ///< as histogram_error
  over_limit,              ///< the layout needs more than decode_limits::buckets
  bad_varint,              ///< a number of the payload is longer than needed
  too_many_counts,         ///< the payload passes the last bucket
  count_overflow,          ///< the counts add up to more than 2^63 - 1
  bad_compression,         ///< not a valid zlib stream, or a stream that holds more than its histogram
  bad_base64,              ///< a character, length or padding outside of RFC 4648 section 4
};

/// The sentence for a human.
[[nodiscard]] std::string_view describe(decode_error error) noexcept;

/// V2, uncompressed. Bytes are identical to those of the Java reference for the same recordings.
[[nodiscard]] std::vector<std::uint8_t> encode_v2(const histogram& source);
/// V2 compressed with zlib at its default level.
[[nodiscard]] std::vector<std::uint8_t> encode_v2_compressed(const histogram& source);
/// The base64 text (RFC 4648, padded, one line) of the compressed form.
[[nodiscard]] std::string encode_v2_base64(const histogram& source);

/// Strict decoders for untrusted bytes: the whole input must be one histogram, nothing is guessed or
/// repaired.
[[nodiscard]] std::expected<histogram, decode_error> decode_v2(std::span<const std::uint8_t> bytes,
                                                               decode_limits limits = {});
[[nodiscard]] std::expected<histogram, decode_error> decode_v2_compressed(std::span<const std::uint8_t> bytes,
                                                                          decode_limits limits = {});
[[nodiscard]] std::expected<histogram, decode_error> decode_v2_base64(std::string_view text, decode_limits limits = {});

}  // namespace assay::observe
