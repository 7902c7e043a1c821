#include "stack/observe/histogram_codec.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <expected>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace assay::observe {
namespace {

using bytes = std::vector<std::uint8_t>;

constexpr std::uint64_t hour_ns = 3'600'000'000'000;

bytes from_hex(std::string_view hex) {
  bytes out(hex.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* digits = hex.data() + 2 * i;
    EXPECT_EQ(std::from_chars(digits, digits + 2, out[i], 16).ptr, digits + 2);
  }
  return out;
}

/// The reason of a refusal, empty if there was none: asking an accepted result for its error is undefined.
template <typename Value, typename Error>
std::optional<Error> refusal(const std::expected<Value, Error>& result) {
  return result ? std::nullopt : std::optional(result.error());
}

/// The parts of a V2 encoding, valid by default, to be spoilt one at a time.
struct forged_v2 {
  std::uint32_t cookie = 0x1c849313;
  std::uint32_t offset = 0;
  std::uint32_t digits = 3;
  std::uint64_t lowest = 1;
  std::uint64_t highest = hour_ns;
  double ratio = 1.0;
  bytes payload = {0x02};
  std::uint32_t unstated_payload = 0;  ///< bytes the length field leaves out; ~0U states one too many

  [[nodiscard]] bytes build() const {
    bytes out;
    const auto put = [&out](std::uint64_t value, int width) {
      for (int shift = width - 8; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
    };
    put(cookie, 32);
    put(static_cast<std::uint32_t>(payload.size()) - unstated_payload, 32);
    put(offset, 32);
    put(digits, 32);
    put(lowest, 64);
    put(highest, 64);
    put(std::bit_cast<std::uint64_t>(ratio), 64);
    out.insert(out.end(), payload.begin(), payload.end());
    return out;
  }
};

bytes compressed(const bytes& plain, std::uint32_t cookie = 0x1c849314) {
  uLongf size = compressBound(plain.size());
  bytes stream(size);
  EXPECT_EQ(compress(stream.data(), &size, plain.data(), plain.size()), Z_OK);
  bytes out;
  for (const std::uint64_t value : {std::uint64_t{cookie}, std::uint64_t{size}}) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  out.insert(out.end(), stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
  return out;
}

/// What both binary decoders say; they must agree.
std::optional<decode_error> error_of(const forged_v2& forged, decode_limits limits = {}) {
  const auto plain = decode_v2(forged.build(), limits);
  const auto packed = decode_v2_compressed(compressed(forged.build()), limits);
  EXPECT_EQ(refusal(plain), refusal(packed));
  return refusal(plain);
}

bool same_buckets(const histogram& left, const histogram& right) {
  return left.options() == right.options() && std::ranges::equal(left.counts(), right.counts());
}

histogram recorded(std::uint64_t seed, const histogram_options& options = {}) {
  auto out = histogram::create(options).value();
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> draw(12.0, 3.0);
  for (int i = 0; i < 5'000; ++i) out.record(static_cast<std::uint64_t>(draw(random)), random() % 1000);
  out.record(options.highest_trackable, random() >> 2);
  return out;
}

/// Recorded and encoded by the Java reference implementation (version 2.2.2).
struct java_golden {
  static constexpr std::string_view hex =
      "1c84931300000017000000000000000300000000000000010000034630b8a0003ff0000000000000"
      "020205d804b74302fb6a0ef16e02dfec01808080808040";
  static constexpr std::string_view base64 =
      "HISTFAAAADZ4nJNpmSzMwMAgzgABzFCaEch0M9ixgMH+A0SAiYn1Bst2Z6bfWXwf85juv2FsAAEHABg8DaM=";

  static histogram values() {
    auto out = histogram::with_defaults();
    out.record(0);
    out.record(1);
    out.record(5, 300);
    out.record(10'007);
    out.record(1'000'000, 7);
    out.record(123'456'789);
    out.record(hour_ns, std::uint64_t{1} << 40);
    return out;
  }
};

TEST(histogram_encode, bytes_of_the_java_reference) {
  EXPECT_EQ(encode_v2(java_golden::values()), from_hex(java_golden::hex));
  EXPECT_EQ(encode_v2(histogram::with_defaults()),
            from_hex("1c84931300000001000000000000000300000000000000010000034630b8a0003ff000000000000000"));
}

TEST(histogram_decode, text_of_the_java_reference) {
  const auto decoded = decode_v2_base64(java_golden::base64);
  ASSERT_TRUE(decoded.has_value()) << describe(decoded.error());
  EXPECT_TRUE(same_buckets(*decoded, java_golden::values()));
  EXPECT_EQ(decoded->count(), (std::uint64_t{1} << 40) + 311);
  EXPECT_EQ(decoded->min(), 0U);
  EXPECT_EQ(decoded->max(), decoded->highest_equivalent(hour_ns));
}

TEST(histogram_encode, base64_has_the_prefix_of_every_v2_log) {
  EXPECT_TRUE(encode_v2_base64(recorded(1)).starts_with("HISTFA"));
  EXPECT_EQ(encode_v2_base64(recorded(1)).find_first_of(" \r\n"), std::string::npos);
}

TEST(histogram_round_trip, keeps_every_bucket) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    for (const histogram_options& options :
         {histogram_options{}, histogram_options{1000, hour_ns, 2}, histogram_options{1, std::uint64_t{1} << 62, 3},
          histogram_options{64, 1'000'000, 1}}) {
      const auto source = recorded(seed, options);
      const auto plain = decode_v2(encode_v2(source));
      const auto packed = decode_v2_compressed(encode_v2_compressed(source));
      const auto text = decode_v2_base64(encode_v2_base64(source));
      ASSERT_TRUE(plain && packed && text) << seed;
      EXPECT_TRUE(same_buckets(*plain, source)) << seed;
      EXPECT_EQ(*packed, *plain) << seed;
      EXPECT_EQ(*text, *plain) << seed;
      EXPECT_EQ(plain->count(), source.count()) << seed;
      EXPECT_EQ(plain->value_at_quantile(0.999), source.value_at_quantile(0.999)) << seed;
    }
  }
}

TEST(histogram_round_trip, empty_and_largest_count) {
  auto source = histogram::with_defaults();
  EXPECT_EQ(decode_v2_base64(encode_v2_base64(source)).value(), source);
  source.record(0, histogram::max_total_count);  // the only count that needs all nine bytes
  EXPECT_EQ(encode_v2(source).size(), 40U + 9);
  EXPECT_EQ(decode_v2(encode_v2(source)).value().count(), histogram::max_total_count);
}

TEST(histogram_round_trip, every_length_of_count) {
  for (unsigned bits = 0; bits < 63; ++bits) {
    for (const std::uint64_t count : {(std::uint64_t{1} << bits) - 1, std::uint64_t{1} << bits}) {
      auto source = histogram::with_defaults();
      source.record(3, count);
      EXPECT_TRUE(same_buckets(decode_v2(encode_v2(source)).value(), source)) << count;
    }
  }
}

TEST(histogram_decode, names_what_is_wrong_with_the_header) {
  ASSERT_TRUE(decode_v2(forged_v2{}.build()).has_value());
  EXPECT_EQ(error_of({.cookie = 0x1c849303}), decode_error::bad_cookie);
  EXPECT_EQ(error_of({.cookie = 0x1c849314}), decode_error::bad_cookie);
  EXPECT_EQ(error_of({.cookie = 0x1c849301}), decode_error::bad_cookie);
  EXPECT_EQ(error_of({.offset = 1}), decode_error::unsupported_offset);
  EXPECT_EQ(error_of({.digits = 0}), decode_error::bad_significant_digits);
  EXPECT_EQ(error_of({.digits = 6}), decode_error::bad_significant_digits);
  EXPECT_EQ(error_of({.digits = 0xffff'fffd}), decode_error::bad_significant_digits);
  EXPECT_EQ(error_of({.lowest = 0}), decode_error::bad_lowest_discernible);
  EXPECT_EQ(error_of({.lowest = std::uint64_t{1} << 60}), decode_error::bad_lowest_discernible);
  EXPECT_EQ(error_of({.highest = 1}), decode_error::bad_highest_trackable);
  EXPECT_EQ(error_of({.highest = std::uint64_t{1} << 63}), decode_error::bad_highest_trackable);
  EXPECT_EQ(error_of({.ratio = 2.0}), decode_error::unsupported_ratio);
  EXPECT_EQ(error_of({.ratio = std::numeric_limits<double>::quiet_NaN()}), decode_error::unsupported_ratio);
  EXPECT_EQ(refusal(decode_v2_compressed(compressed(forged_v2{}.build(), 0x1c849313))), decode_error::bad_cookie);
}

TEST(histogram_decode, names_what_is_wrong_with_the_payload) {
  // The numbers below are ZigZag LEB128: 0x02 is the count 1, 0x01 a run of one empty bucket.
  EXPECT_EQ(error_of({.payload = {0x82}}), decode_error::truncated);
  EXPECT_EQ(error_of({.payload = {0x82, 0x00}}), decode_error::bad_varint);
  EXPECT_EQ(error_of({.payload = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}}), decode_error::bad_varint);
  const bytes largest = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  bytes overflow = largest;
  overflow.push_back(0x02);
  EXPECT_EQ(error_of({.payload = overflow}), decode_error::count_overflow);
  // The longest run there is, whose negation does not fit a signed number.
  const bytes longest_run(9, 0xff);
  EXPECT_EQ(error_of({.payload = longest_run}), decode_error::too_many_counts);

  // 32 buckets at one digit up to 2: a run of 32 fits (zigzag 63), 33 does not (65), nor does a count
  // after 32.
  const forged_v2 tiny{.digits = 1, .highest = 2, .payload = {63}};
  EXPECT_TRUE(decode_v2(tiny.build()).has_value());
  EXPECT_EQ(error_of({.digits = 1, .highest = 2, .payload = {65}}), decode_error::too_many_counts);
  EXPECT_EQ(error_of({.digits = 1, .highest = 2, .payload = {63, 0x00}}), decode_error::too_many_counts);
  EXPECT_EQ(error_of({.digits = 1, .highest = 2, .payload = bytes(33, 0x02)}), decode_error::too_many_counts);
  EXPECT_EQ(error_of({.digits = 1, .highest = 2, .payload = bytes(32 * 9 + 1, 0x02)}), decode_error::bad_length);
}

TEST(histogram_decode, accepts_what_other_encoders_write) {
  // No payload at all for an empty histogram; a run of one; zeros after the last count.
  EXPECT_EQ(decode_v2(forged_v2{.payload = {}}.build()).value(), histogram::with_defaults());
  EXPECT_EQ(decode_v2_compressed(compressed(forged_v2{.payload = {}}.build())).value(), histogram::with_defaults());
  auto expected = histogram::with_defaults();
  expected.record(1);
  EXPECT_EQ(decode_v2(forged_v2{.payload = {0x01, 0x02, 0x00, 0x03}}.build()).value(), expected);
}

TEST(histogram_decode, refuses_lengths_that_do_not_match) {
  EXPECT_EQ(refusal(decode_v2(forged_v2{.unstated_payload = 1}.build())), decode_error::trailing_bytes);
  EXPECT_EQ(refusal(decode_v2(forged_v2{.unstated_payload = ~0U}.build())), decode_error::truncated);
  EXPECT_EQ(refusal(decode_v2_compressed(compressed(forged_v2{.unstated_payload = 1}.build()))),
            decode_error::bad_compression);
  EXPECT_EQ(refusal(decode_v2_compressed(compressed(forged_v2{.unstated_payload = ~0U}.build()))),
            decode_error::truncated);

  bytes packed = encode_v2_compressed(recorded(1));
  packed.push_back(0);
  EXPECT_EQ(refusal(decode_v2_compressed(packed)), decode_error::trailing_bytes);
  for (std::size_t i = 7;; --i) {  // state the byte in the length as well: now it trails the zlib stream
    if (++packed[i] != 0) break;
  }
  EXPECT_EQ(refusal(decode_v2_compressed(packed)), decode_error::trailing_bytes);
}

TEST(histogram_decode, limits_what_it_allocates) {
  const forged_v2 huge{.digits = 5, .highest = std::uint64_t{1} << 62};
  EXPECT_EQ(error_of(huge), decode_error::over_limit);
  EXPECT_TRUE(decode_v2(huge.build(), {.buckets = 47 * 131'072}).has_value());
  EXPECT_EQ(error_of({}, {.buckets = 33'791}), decode_error::over_limit);
  EXPECT_TRUE(decode_v2(forged_v2{}.build(), {.buckets = 33'792}).has_value());
  // A stream of 10 KiB that inflates to 10 MiB: read no further than the header's length allows.
  bytes bomb = forged_v2{}.build();
  bomb.resize(10 << 20);
  EXPECT_EQ(refusal(decode_v2_compressed(compressed(bomb))), decode_error::bad_compression);
}

TEST(histogram_decode, refuses_every_truncation) {
  const auto source = recorded(7, {1, 1'000'000, 2});
  const bytes plain = encode_v2(source);
  const bytes packed = encode_v2_compressed(source);
  const std::string text = encode_v2_base64(source);
  for (std::size_t size = 0; size < plain.size(); ++size) {
    EXPECT_EQ(refusal(decode_v2(std::span(plain).first(size))), decode_error::truncated) << size;
  }
  for (std::size_t size = 0; size < packed.size(); ++size) {
    EXPECT_EQ(refusal(decode_v2_compressed(std::span(packed).first(size))), decode_error::truncated) << size;
  }
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(decode_v2_base64(std::string_view(text).substr(0, size)).has_value()) << size;
  }
}

TEST(histogram_decode, refuses_a_truncated_zlib_stream_of_the_stated_length) {
  const bytes packed = encode_v2_compressed(recorded(7, {1, 1'000'000, 2}));
  for (std::size_t stream = 0; stream + 8 < packed.size(); ++stream) {
    bytes cut(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(8 + stream));
    for (std::size_t i = 0; i < 4; ++i) cut[4 + i] = static_cast<std::uint8_t>(stream >> (24 - 8 * i));
    EXPECT_EQ(refusal(decode_v2_compressed(cut)), decode_error::truncated) << stream;
  }
}

TEST(histogram_decode, a_flipped_bit_never_changes_a_compressed_histogram) {
  // A few bits of a zlib stream carry nothing (the padding after the last block); all others are under its
  // checksum.
  const auto source = recorded(11, {1, 1'000'000, 2});
  const bytes packed = encode_v2_compressed(source);
  std::size_t refused = 0;
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    bytes flipped = packed;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto decoded = decode_v2_compressed(flipped);
    if (decoded) EXPECT_TRUE(same_buckets(*decoded, source)) << bit;
    refused += decoded ? 0 : 1;
  }
  EXPECT_GE(refused, packed.size() * 8 - 7);
}

TEST(histogram_decode, what_it_accepts_of_mutated_bytes_is_a_whole_histogram) {
  std::mt19937_64 random(5);
  const bytes plain = encode_v2(recorded(3, {1, 1'000'000, 2}));
  int accepted = 0;
  for (int round = 0; round < 5'000; ++round) {
    bytes mutated = plain;
    for (std::uint64_t edits = 1 + random() % 4; edits > 0; --edits) {
      mutated[random() % mutated.size()] = static_cast<std::uint8_t>(random());
    }
    const auto decoded = decode_v2(mutated);
    if (!decoded) continue;
    ++accepted;
    std::uint64_t total = 0;
    decoded->for_each_recorded([&](auto, auto, std::uint64_t count) { total += count; });
    ASSERT_EQ(total, decoded->count());
    ASSERT_LE(total, histogram::max_total_count);
    ASSERT_EQ(decode_v2(encode_v2(*decoded)).value(), *decoded);
  }
  EXPECT_GT(accepted, 0);
}

TEST(histogram_decode, base64_is_strict) {
  const std::string text(java_golden::base64);
  const auto error_of_text = [](std::string_view input) { return refusal(decode_v2_base64(input)); };
  EXPECT_EQ(error_of_text(""), decode_error::truncated);
  EXPECT_EQ(error_of_text("===="), decode_error::bad_base64);
  EXPECT_EQ(error_of_text(text.substr(0, text.size() - 1)), decode_error::bad_base64);  // no padding
  EXPECT_EQ(error_of_text(text + "\n"), decode_error::bad_base64);
  EXPECT_EQ(error_of_text(" " + text.substr(1)), decode_error::bad_base64);
  EXPECT_EQ(error_of_text("-" + text.substr(1)), decode_error::bad_base64);  // the URL alphabet
  EXPECT_EQ(error_of_text("\xff" + text.substr(1)), decode_error::bad_base64);
  EXPECT_EQ(error_of_text(text + text), decode_error::bad_base64);  // padding in the middle
  std::string leftover_bits = text;
  ASSERT_EQ(leftover_bits.substr(leftover_bits.size() - 2), "M=");
  leftover_bits[leftover_bits.size() - 2] = 'N';
  EXPECT_EQ(error_of_text(leftover_bits), decode_error::bad_base64);
  EXPECT_EQ(error_of_text("AAAA" + text), decode_error::bad_cookie);
}

TEST(histogram_decode, every_reason_has_its_own_sentence) {
  std::vector<std::string_view> sentences;
  for (int code = 0; code <= static_cast<int>(decode_error::bad_base64); ++code) {
    sentences.push_back(describe(static_cast<decode_error>(code)));
    EXPECT_GT(sentences.back().size(), 10U) << code;
  }
  std::ranges::sort(sentences);
  EXPECT_EQ(std::ranges::adjacent_find(sentences), sentences.end());
}

}  // namespace
}  // namespace assay::observe
