#include "stack/http/websocket/frame.hpp"

#include <cstring>

namespace assay::websocket {
namespace {

constexpr unsigned fin_bit = 0x80;
constexpr unsigned rsv1_bit = 0x40;
constexpr unsigned rsv_bits = 0x70;
constexpr unsigned mask_bit = 0x80;
constexpr unsigned two_byte_length = 126;
constexpr unsigned eight_byte_length = 127;

constexpr bool is_known(unsigned code) { return code <= 2 || (code >= 8 && code <= 10); }

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  return number;
}

void append_number(std::string& to, std::uint64_t number, unsigned size_bytes) {
  for (unsigned shift = 8 * size_bytes; shift > 0; shift -= 8) {
    to.push_back(static_cast<char>(number >> (shift - 8) & 0xff));
  }
}

// The first byte: what kind of frame it is.
std::expected<void, violation> read_kind(unsigned byte, const frame_rules& rules, frame_header& out) {
  if (!is_known(byte & 0x0f)) return std::unexpected(violation::reserved_opcode);
  out.what = static_cast<opcode>(byte & 0x0f);
  out.last = (byte & fin_bit) != 0;
  out.compressed = (byte & rsv1_bit) != 0;
  // RFC 7692 section 6: only on the first frame of a message, never on a control frame.
  const bool may_be_compressed = rules.compression && (out.what == opcode::text || out.what == opcode::binary);
  if ((byte & rsv_bits & ~rsv1_bit) != 0 || (out.compressed && !may_be_compressed)) {
    return std::unexpected(violation::reserved_bits);
  }
  if (is_control(out.what) && !out.last) return std::unexpected(violation::fragmented_control);
  return {};
}

}  // namespace

std::expected<std::size_t, violation> parse_frame_header(std::string_view bytes, const frame_rules& rules,
                                                         frame_header& out) noexcept {
  if (bytes.empty()) return 0;
  if (const auto kind = read_kind(static_cast<unsigned char>(bytes[0]), rules, out); !kind) {
    return std::unexpected(kind.error());
  }
  if (bytes.size() < 2) return 0;
  const unsigned second = static_cast<unsigned char>(bytes[1]);
  out.masked = (second & mask_bit) != 0;
  if (out.masked != (rules.from == role::client)) {
    return std::unexpected(out.masked ? violation::masked : violation::not_masked);
  }
  const unsigned short_length = second & ~mask_bit;
  if (is_control(out.what) && short_length > max_control_bytes) return std::unexpected(violation::long_control);
  const std::size_t length_bytes = short_length == two_byte_length ? 2 : short_length == eight_byte_length ? 8 : 0;
  const std::size_t size = 2 + length_bytes + (out.masked ? out.key.size() : 0);
  out.length = short_length;
  if (length_bytes > 0) {
    if (bytes.size() < 2 + length_bytes) return 0;
    out.length = read_number(bytes.substr(2, length_bytes));
    if (out.length < two_byte_length || (length_bytes == 8 && out.length <= UINT16_MAX)) {
      return std::unexpected(violation::length_not_minimal);
    }
    if (out.length > INT64_MAX) return std::unexpected(violation::length_too_large);
  }
  if (bytes.size() < size) return 0;
  if (out.masked) std::memcpy(out.key.data(), bytes.data() + size - out.key.size(), out.key.size());
  return size;
}

void append_frame_header(std::string& to, const frame_header& header) {
  to.push_back(static_cast<char>((header.last ? fin_bit : 0) | (header.compressed ? rsv1_bit : 0) |
                                 static_cast<unsigned>(header.what)));
  const unsigned mask = header.masked ? mask_bit : 0;
  if (header.length < two_byte_length) {
    to.push_back(static_cast<char>(mask | header.length));
  } else if (header.length <= UINT16_MAX) {
    to.push_back(static_cast<char>(mask | two_byte_length));
    append_number(to, header.length, 2);
  } else {
    to.push_back(static_cast<char>(mask | eight_byte_length));
    append_number(to, header.length, 8);
  }
  if (header.masked) to.append(header.key.data(), header.key.size());
}

void append_frame(std::string& to, frame_header header, std::string_view payload) {
  header.length = payload.size();
  append_frame_header(to, header);
  const std::size_t begin = to.size();
  to.append(payload);
  if (header.masked) apply_mask(std::span(to).subspan(begin), header.key, 0);
}

void apply_mask(std::span<char> bytes, const mask_key& key, std::uint64_t offset) noexcept {
  // The key twice, from where the payload stands: eight bytes a step, and the compiler makes more of it.
  std::array<char, 8> turned;
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(offset + i) % key.size()];
  std::uint64_t wide_key = 0;
  std::memcpy(&wide_key, turned.data(), sizeof wide_key);
  char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= sizeof wide_key; at += sizeof wide_key, left -= sizeof wide_key) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    word ^= wide_key;
    std::memcpy(at, &word, sizeof word);
  }
  for (std::size_t i = 0; i < left; ++i) at[i] = static_cast<char>(at[i] ^ turned[i]);
}

}  // namespace assay::websocket
