#include "stack/observe/histogram_codec.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <limits>
#include <new>
#include <optional>
#include <utility>

namespace assay::observe {

namespace {

using bytes_view = std::span<const std::uint8_t>;

constexpr std::uint32_t v2_cookie = 0x1c849303 | 0x10;
constexpr std::uint32_t v2_compressed_cookie = 0x1c849304 | 0x10;
constexpr std::size_t header_bytes = 40;
constexpr std::size_t compressed_header_bytes = 8;
constexpr std::size_t max_varint_bytes = 9;

template <typename Integer>
void put_big_endian(std::vector<std::uint8_t>& out, Integer value) {
  for (std::size_t shift = sizeof value * 8; shift > 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> (shift - 8)));
  }
}

/// Reads big-endian integers off the front; the caller has checked that there are enough bytes.
template <typename Integer>
Integer take_big_endian(bytes_view& in) {
  Integer value = 0;
  for (const std::uint8_t byte : in.first(sizeof value)) value = static_cast<Integer>((value << 8) | byte);
  in = in.subspan(sizeof value);
  return value;
}

/// ZigZag LEB128 in at most nine bytes: the ninth has no continuation bit and carries eight bits instead.
void put_varint(std::vector<std::uint8_t>& out, std::int64_t value) {
  std::uint64_t rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (std::size_t i = 1; i < max_varint_bytes && rest >= 0x80; ++i) {
    out.push_back(static_cast<std::uint8_t>(rest | 0x80));
    rest >>= 7;
  }
  out.push_back(static_cast<std::uint8_t>(rest));
}

std::expected<std::int64_t, decode_error> take_varint(bytes_view& in) {
  std::uint64_t zigzag = 0;
  for (std::size_t i = 0; i < max_varint_bytes; ++i) {
    if (i == in.size()) return std::unexpected(decode_error::truncated);
    const std::uint8_t byte = in[i];
    const bool last = i + 1 == max_varint_bytes || byte < 0x80;
    zigzag |= std::uint64_t{last ? byte : byte & 0x7fU} << (7 * i);
    if (!last) continue;
    if (byte == 0 && i > 0) return std::unexpected(decode_error::bad_varint);
    in = in.subspan(i + 1);
    break;
  }
  return static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1);
}

struct v2_header {
  histogram_options options;
  std::size_t payload_bytes = 0;
  std::size_t buckets = 0;
};

decode_error as_decode_error(histogram_error error) {
  switch (error) {
    case histogram_error::bad_lowest_discernible:
      return decode_error::bad_lowest_discernible;
    case histogram_error::bad_highest_trackable:
      return decode_error::bad_highest_trackable;
    case histogram_error::bad_significant_digits:
      return decode_error::bad_significant_digits;
    case histogram_error::too_many_counts:
      return decode_error::too_many_counts;
    case histogram_error::count_overflow:
      return decode_error::count_overflow;
    case histogram_error::layout_mismatch:
      break;
  }
  std::unreachable();
}

/// Checks everything that the header alone can tell, before anything of the size it states is allocated.
std::expected<v2_header, decode_error> read_header(bytes_view in, decode_limits limits) {
  if (in.size() < header_bytes) return std::unexpected(decode_error::truncated);
  if (take_big_endian<std::uint32_t>(in) != v2_cookie) return std::unexpected(decode_error::bad_cookie);
  v2_header header;
  header.payload_bytes = take_big_endian<std::uint32_t>(in);
  if (take_big_endian<std::uint32_t>(in) != 0) return std::unexpected(decode_error::unsupported_offset);
  const auto digits = take_big_endian<std::uint32_t>(in);
  if (digits > 5) return std::unexpected(decode_error::bad_significant_digits);
  header.options.significant_digits = static_cast<int>(digits);
  header.options.lowest_discernible = take_big_endian<std::uint64_t>(in);
  header.options.highest_trackable = take_big_endian<std::uint64_t>(in);
  if (take_big_endian<std::uint64_t>(in) != std::bit_cast<std::uint64_t>(1.0)) {
    return std::unexpected(decode_error::unsupported_ratio);
  }
  const auto buckets = histogram::bucket_count_for(header.options);
  if (!buckets) return std::unexpected(as_decode_error(buckets.error()));
  if (*buckets > limits.buckets) return std::unexpected(decode_error::over_limit);
  if (header.payload_bytes > *buckets * max_varint_bytes) return std::unexpected(decode_error::bad_length);
  header.buckets = *buckets;
  return header;
}

std::expected<histogram, decode_error> read_payload(bytes_view in, const v2_header& header) {
  std::vector<std::uint64_t> counts;
  counts.reserve(header.buckets);
  while (!in.empty()) {
    const auto number = take_varint(in);
    if (!number) return std::unexpected(number.error());
    const std::size_t room = header.buckets - counts.size();
    // A run is negated in unsigned arithmetic, where the lowest number of all does not overflow.
    const std::uint64_t run = *number < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(*number) : 1;
    if (run > room) return std::unexpected(decode_error::too_many_counts);
    counts.resize(counts.size() + run, *number < 0 ? 0 : static_cast<std::uint64_t>(*number));
  }
  auto decoded = histogram::from_counts(header.options, counts);
  if (!decoded) return std::unexpected(as_decode_error(decoded.error()));
  return *std::move(decoded);
}

/// Owns a zlib stream for decompression, so that every way out releases it.
class inflater {
 public:
  explicit inflater(bytes_view in) {
    // zlib does not write through next_in; without ZLIB_CONST its declaration merely fails to say so.
    stream_.next_in = const_cast<Bytef*>(in.data());
    stream_.avail_in = static_cast<uInt>(in.size());
    if (inflateInit(&stream_) != Z_OK) throw std::bad_alloc();
  }
  ~inflater() { inflateEnd(&stream_); }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;

  /// Fills `out` as far as the stream goes; the number of bytes written, or what is wrong with the stream.
  std::expected<std::size_t, decode_error> read(std::span<std::uint8_t> out) {
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    const int status = inflate(&stream_, Z_SYNC_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    at_end_ = status == Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      return std::unexpected(decode_error::bad_compression);
    }
    return out.size() - stream_.avail_out;
  }

  [[nodiscard]] bool at_end() const { return at_end_; }
  [[nodiscard]] bool has_input_left() const { return stream_.avail_in != 0; }

 private:
  z_stream stream_{};
  bool at_end_ = false;
};

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t not_base64 = 0xff;

constexpr std::array<std::uint8_t, 256> base64_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(not_base64);
  for (std::size_t i = 0; i < base64_alphabet.size(); ++i) {
    values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

std::string to_base64(bytes_view in) {
  std::string text;
  text.reserve((in.size() + 2) / 3 * 4);
  for (; !in.empty(); in = in.subspan(std::min<std::size_t>(in.size(), 3))) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = (group << 8) | (i < in.size() ? in[i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) {
      text += i <= in.size() ? base64_alphabet[(group >> (18 - 6 * i)) & 0x3f] : '=';
    }
  }
  return text;
}

/// Empty if the text is not the one base64 form of some bytes (bits that padding leaves over must be zero).
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::vector<std::uint8_t> bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  unsigned bit_count = 0;
  for (const char letter : text) {
    const std::uint8_t value = base64_values[static_cast<unsigned char>(letter)];
    if (value == not_base64) return std::nullopt;
    bits = (bits << 6) | value;
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    bytes.push_back(static_cast<std::uint8_t>(bits >> bit_count));
    bits &= (1U << bit_count) - 1;
  }
  if (bits != 0) return std::nullopt;
  return bytes;
}

}  // namespace

std::string_view describe(decode_error error) noexcept {
  switch (error) {
    case decode_error::truncated:
      return "the histogram ends before its stated length";
    case decode_error::trailing_bytes:
      return "bytes after the end of the histogram";
    case decode_error::bad_cookie:
      return "not an HdrHistogram V2 encoding (wrong cookie)";
    case decode_error::bad_length:
      return "the payload is longer than the histogram's layout allows";
    case decode_error::unsupported_offset:
      return "normalizing index offset other than 0 is not supported";
    case decode_error::unsupported_ratio:
      return "conversion ratio other than 1.0 is not supported";
    case decode_error::bad_lowest_discernible:
      return describe(histogram_error::bad_lowest_discernible);
    case decode_error::bad_highest_trackable:
      return describe(histogram_error::bad_highest_trackable);
    case decode_error::bad_significant_digits:
      return describe(histogram_error::bad_significant_digits);
    case decode_error::over_limit:
      return "the histogram's layout needs more buckets than the limit";
    case decode_error::bad_varint:
      return "a count is encoded in more bytes than it needs";
    case decode_error::too_many_counts:
      return describe(histogram_error::too_many_counts);
    case decode_error::count_overflow:
      return describe(histogram_error::count_overflow);
    case decode_error::bad_compression:
      return "not a valid zlib stream of one histogram";
    case decode_error::bad_base64:
      return "not base64 text";
  }
  std::unreachable();
}

std::vector<std::uint8_t> encode_v2(const histogram& source) {
  const auto counts = source.counts();
  assert(!counts.empty() && "encoding a moved-from histogram");
  // Up to the last recorded bucket; an empty histogram states its first bucket, as the reference does.
  const auto last = std::ranges::find_if(counts.rbegin(), counts.rend(), [](auto count) { return count != 0; });
  const auto stated = counts.first(std::max<std::size_t>(static_cast<std::size_t>(counts.rend() - last), 1));

  std::vector<std::uint8_t> payload;
  for (std::size_t i = 0; i < stated.size();) {
    const auto run_end = std::find_if(stated.begin() + static_cast<std::ptrdiff_t>(i), stated.end(),
                                      [](auto count) { return count != 0; });
    const std::int64_t zeros = run_end - stated.begin() - static_cast<std::ptrdiff_t>(i);
    put_varint(payload, zeros > 1 ? -zeros : static_cast<std::int64_t>(stated[i]));
    i += zeros > 1 ? static_cast<std::size_t>(zeros) : 1;
  }

  std::vector<std::uint8_t> out;
  out.reserve(header_bytes + payload.size());
  put_big_endian(out, v2_cookie);
  put_big_endian(out, static_cast<std::uint32_t>(payload.size()));
  put_big_endian(out, std::uint32_t{0});
  put_big_endian(out, static_cast<std::uint32_t>(source.options().significant_digits));
  put_big_endian(out, source.options().lowest_discernible);
  put_big_endian(out, source.options().highest_trackable);
  put_big_endian(out, std::bit_cast<std::uint64_t>(1.0));
  out.insert(out.end(), payload.begin(), payload.end());
  return out;
}

std::vector<std::uint8_t> encode_v2_compressed(const histogram& source) {
  const auto plain = encode_v2(source);
  uLongf compressed_size = compressBound(static_cast<uLong>(plain.size()));
  std::vector<std::uint8_t> compressed(compressed_size);
  if (compress(compressed.data(), &compressed_size, plain.data(), static_cast<uLong>(plain.size())) != Z_OK) {
    throw std::bad_alloc();  // the buffer is large enough, so memory is the only reason left
  }
  std::vector<std::uint8_t> out;
  out.reserve(compressed_header_bytes + compressed_size);
  put_big_endian(out, v2_compressed_cookie);
  put_big_endian(out, static_cast<std::uint32_t>(compressed_size));
  out.insert(out.end(), compressed.begin(), compressed.begin() + static_cast<std::ptrdiff_t>(compressed_size));
  return out;
}

std::string encode_v2_base64(const histogram& source) { return to_base64(encode_v2_compressed(source)); }

std::expected<histogram, decode_error> decode_v2(bytes_view bytes, decode_limits limits) {
  const auto header = read_header(bytes, limits);
  if (!header) return std::unexpected(header.error());
  const auto payload = bytes.subspan(header_bytes);
  if (payload.size() < header->payload_bytes) return std::unexpected(decode_error::truncated);
  if (payload.size() > header->payload_bytes) return std::unexpected(decode_error::trailing_bytes);
  return read_payload(payload, *header);
}

std::expected<histogram, decode_error> decode_v2_compressed(bytes_view bytes, decode_limits limits) {
  if (bytes.size() < compressed_header_bytes) return std::unexpected(decode_error::truncated);
  if (take_big_endian<std::uint32_t>(bytes) != v2_compressed_cookie) {
    return std::unexpected(decode_error::bad_cookie);
  }
  const std::size_t stated = take_big_endian<std::uint32_t>(bytes);
  if (bytes.size() < stated) return std::unexpected(decode_error::truncated);
  if (bytes.size() > stated) return std::unexpected(decode_error::trailing_bytes);

  // The header first: it says how long the payload may be, so a small stream cannot make us allocate much.
  inflater stream(bytes);
  std::array<std::uint8_t, header_bytes> head{};
  const auto head_read = stream.read(head);
  if (!head_read) return std::unexpected(head_read.error());
  const auto header = read_header(bytes_view(head).first(*head_read), limits);
  if (!header) return std::unexpected(header.error());

  // One byte of room more than stated: only a stream that ends without using it is of the stated length.
  std::vector<std::uint8_t> payload(header->payload_bytes + 1);
  if (!stream.at_end()) {
    const auto payload_read = stream.read(payload);
    if (!payload_read) return std::unexpected(payload_read.error());
    payload.resize(*payload_read);
  } else {
    payload.clear();
  }
  if (payload.size() > header->payload_bytes) return std::unexpected(decode_error::bad_compression);
  if (payload.size() < header->payload_bytes || !stream.at_end()) return std::unexpected(decode_error::truncated);
  if (stream.has_input_left()) return std::unexpected(decode_error::trailing_bytes);
  return read_payload(payload, *header);
}

std::expected<histogram, decode_error> decode_v2_base64(std::string_view text, decode_limits limits) {
  const auto bytes = from_base64(text);
  if (!bytes) return std::unexpected(decode_error::bad_base64);
  return decode_v2_compressed(*bytes, limits);
}

}  // namespace assay::observe
