#include "stack/http/chunked.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

#include "stack/http/chars.hpp"

namespace assay::http {

chunk_piece chunked_decoder::feed(std::string_view bytes) noexcept {
  std::size_t at = 0;
  while (at < bytes.size() && step_ != step::done && step_ != step::failed) {
    if (step_ == step::data) {
      // The minimum fits a size_t because one of the two is one.
      const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(chunk_left_, bytes.size() - at));
      chunk_left_ -= piece;
      if (chunk_left_ == 0) step_ = step::data_cr;
      return {.state = chunk_state::payload, .consumed = at + piece, .payload = bytes.substr(at, piece)};
    }
    if (!take(bytes[at])) break;
    ++at;
  }
  if (step_ == step::failed) return {.state = chunk_state::error, .consumed = at, .error = error_};
  if (step_ == step::done) return {.state = chunk_state::done, .consumed = at};
  return {.state = chunk_state::need_more, .consumed = at};
}

bool chunked_decoder::fail(parse_error error) noexcept {
  step_ = step::failed;
  error_ = error;
  return false;
}

// A byte the grammar does not want: by its own reason where it has one. A CR is judged by the byte after it,
// in the steps that end in _lf, so here it is as wrong as any other byte.
bool chunked_decoder::fail_at(char byte, parse_error otherwise) noexcept {
  if (byte == '\n') return fail(parse_error::bare_lf);
  if (byte == '\0') return fail(parse_error::nul_byte);
  return fail(otherwise);
}

bool chunked_decoder::take(char byte) noexcept {
  switch (step_) {
    case step::size_start:
    case step::size:
    case step::size_space:
      return take_size(byte);
    case step::extension_start:
    case step::extension:
      return take_extension(byte);
    case step::size_lf:
      return byte == '\n' ? end_size_line() : fail(parse_error::bare_cr);
    case step::data_cr:
      return byte == '\r' ? go(step::data_lf) : fail_at(byte, parse_error::bad_chunk_end);
    case step::data_lf:
      return byte == '\n' ? go(step::size_start) : fail(parse_error::bare_cr);
    case step::trailer_start:
    case step::trailer_name:
    case step::trailer_space:
    case step::trailer_value:
    case step::trailer_lf:
      return take_trailer(byte);
    case step::last_lf:
      return byte == '\n' ? go(step::done) : fail(parse_error::bare_cr);
    case step::data:
    case step::done:
    case step::failed:
      break;
  }
  assert(false);  // feed() deals with these
  return false;
}

// Digits only. No sign, no "0x", no whitespace in front: strtol would take all of those and the next hop might not.
bool chunked_decoder::take_size(char byte) noexcept {
  if (byte == '\r' && step_ == step::size) return go(step::size_lf);
  if (++line_bytes_ > limits_.max_line_bytes) return fail(parse_error::chunk_line_too_long);
  const int digit = detail::hex_value(byte);
  if (digit >= 0 && step_ != step::size_space) {
    if (significant_digits_ != 0 || digit != 0) ++significant_digits_;
    if (significant_digits_ > max_chunk_size_digits) return fail(parse_error::chunk_size_too_large);
    chunk_left_ = chunk_left_ * 16 + static_cast<std::uint64_t>(digit);
    return go(step::size);
  }
  if (step_ == step::size_start || (byte != ';' && !detail::is_blank(byte))) {
    return fail_at(byte, parse_error::bad_chunk_size);
  }
  if (++extension_bytes_ > limits_.max_extension_bytes) return fail(parse_error::chunk_extensions_too_large);
  return go(byte == ';' ? step::extension_start : step::size_space);
}

// The grammar of extensions is not checked beyond "begins with a name": their end is the CRLF and nothing
// else, inside a quoted string too, so no reading of them moves the data.
bool chunked_decoder::take_extension(char byte) noexcept {
  if (byte == '\r' && step_ == step::extension) return go(step::size_lf);
  if (++line_bytes_ > limits_.max_line_bytes) return fail(parse_error::chunk_line_too_long);
  if (++extension_bytes_ > limits_.max_extension_bytes) return fail(parse_error::chunk_extensions_too_large);
  if (step_ == step::extension_start) {
    if (detail::is_blank(byte)) return true;
    return detail::is_token(byte) ? go(step::extension) : fail_at(byte, parse_error::bad_chunk_extension);
  }
  if (detail::is_control(byte) && byte != '\t') return fail_at(byte, parse_error::bad_chunk_extension);
  return true;
}

bool chunked_decoder::end_size_line() noexcept {
  line_bytes_ = 0;
  significant_digits_ = 0;
  return go(chunk_left_ == 0 ? step::trailer_start : step::data);
}

bool chunked_decoder::take_trailer(char byte) noexcept {
  if (step_ == step::trailer_start && byte == '\r') return go(step::last_lf);
  if (++trailer_bytes_ > limits_.max_trailer_bytes) return fail(parse_error::trailers_too_large);
  switch (step_) {
    case step::trailer_start:
      if (detail::is_blank(byte)) return fail(parse_error::obs_fold);
      return detail::is_token(byte) ? go(step::trailer_name) : fail_at(byte, parse_error::bad_header_name);
    case step::trailer_name:
      if (detail::is_token(byte)) return true;
      if (byte == ':') return go(step::trailer_value);
      return detail::is_blank(byte) ? go(step::trailer_space) : fail_at(byte, parse_error::bad_header_name);
    case step::trailer_space:
      if (detail::is_blank(byte)) return true;
      return byte == ':' ? fail(parse_error::space_before_colon) : fail_at(byte, parse_error::bad_header_name);
    case step::trailer_value:
      if (byte == '\r') return go(step::trailer_lf);
      return !detail::is_control(byte) || byte == '\t' ? true : fail_at(byte, parse_error::bad_header_value);
    default:
      return byte == '\n' ? go(step::trailer_start) : fail(parse_error::bare_cr);
  }
}

std::size_t encode_chunk_header(std::uint64_t size_bytes, std::span<char, max_chunk_header_bytes> out) noexcept {
  assert(size_bytes != 0);
  constexpr std::string_view digits = "0123456789abcdef";
  const std::size_t count = (static_cast<std::size_t>(std::bit_width(size_bytes)) + 3) / 4;
  for (std::size_t index = count; index > 0; --index) {
    out[index - 1] = digits[size_bytes & 0xf];
    size_bytes >>= 4;
  }
  out[count] = '\r';
  out[count + 1] = '\n';
  return count + 2;
}

}  // namespace assay::http
