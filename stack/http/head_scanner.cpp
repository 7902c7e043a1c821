#include <algorithm>
#include <cassert>

#include "stack/http/chars.hpp"
#include "stack/http/parser.hpp"

namespace assay::http {
namespace {

constexpr std::string_view response_prefix = "HTTP/";

}  // namespace

void head_scanner::reset() noexcept {
  scanned_ = 0;
  line_start_ = 0;
  start_line_ = 0;
}

// Called while the start line has not been entered: is this the beginning of a message at all? What is not is
// most often another protocol, and its peer waits for an answer that no amount of reading will produce.
std::optional<parse_error> head_scanner::refuse_start(std::string_view bytes) const noexcept {
  if (kind_ == head_kind::response) {
    const std::size_t known = std::min(bytes.size(), response_prefix.size());
    if (bytes.substr(0, known) != response_prefix.substr(0, known)) return parse_error::bad_version;
    return std::nullopt;
  }
  const char* const first = bytes.data() + start_line_;
  if (detail::is_token(*first) || *first == '\r') return std::nullopt;
  return detail::reason_for(first, parse_error::bad_method);
}

std::expected<std::size_t, parse_error> head_scanner::scan(std::string_view all_bytes) noexcept {
  assert(all_bytes.size() >= scanned_);  // only the newest bytes were passed, or reset() was forgotten
  const std::string_view window = all_bytes.substr(0, max_head_bytes_);
  const char* const base = window.data();
  const char* const end = base + window.size();
  while (scanned_ < window.size()) {
    if (scanned_ < start_line_ + response_prefix.size()) {
      if (const auto error = refuse_start(window)) return std::unexpected(*error);
    }
    const char* const at = detail::find_control(base + scanned_, end);
    scanned_ = static_cast<std::size_t>(at - base);
    if (at == end) break;
    if (*at == '\0') return std::unexpected(parse_error::nul_byte);
    if (*at == '\n') return std::unexpected(parse_error::bare_lf);
    if (*at != '\r') {
      ++scanned_;  // a tab, or a control byte which the parser refuses with the reason of its place
      continue;
    }
    if (at + 1 == end) break;
    if (at[1] != '\n') return std::unexpected(parse_error::bare_cr);
    const std::size_t next_line = scanned_ + 2;
    if (scanned_ == line_start_) {
      if (line_start_ != start_line_) {
        reset();
        return next_line;
      }
      if (next_line / 2 > max_leading_empty_lines) return std::unexpected(parse_error::too_many_empty_lines);
      start_line_ = next_line;
    }
    line_start_ = scanned_ = next_line;
  }
  if (all_bytes.size() < max_head_bytes_) return 0;
  const bool in_request_line = kind_ == head_kind::request && line_start_ == start_line_;
  return std::unexpected(in_request_line ? parse_error::target_too_long : parse_error::head_too_large);
}

}  // namespace assay::http
