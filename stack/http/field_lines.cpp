#include "stack/http/field_lines.hpp"

#include <limits>

#include "stack/http/chars.hpp"

namespace assay::http::detail {
namespace {

using outcome = std::expected<void, parse_error>;

// 1*DIGIT and nothing else. The bound is 2^63 - 1 because many other programs hold it in a signed number:
// above, their reading and ours would differ.
outcome note_content_length(std::string_view value, field_facts& facts) noexcept {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  // "5, 5" is what a proxy makes of two fields. RFC 9110 section 8.6 lets a recipient take equal ones as one;
  // the next hop may take either, so neither is taken here.
  if (facts.content_length || value.find(',') != std::string_view::npos) {
    return std::unexpected(parse_error::conflicting_content_length);
  }
  if (value.empty()) return std::unexpected(parse_error::bad_content_length);
  std::uint64_t length = 0;
  for (const char byte : value) {
    if (!is_digit(byte)) return std::unexpected(parse_error::bad_content_length);
    const auto digit = static_cast<std::uint64_t>(byte - '0');
    if (length > (largest - digit) / 10) return std::unexpected(parse_error::bad_content_length);
    length = length * 10 + digit;
  }
  facts.content_length = length;
  return {};
}

std::string_view trim_blanks(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// A list of options (RFC 9110 section 7.6.1); what is not one of the three is somebody else's and is let pass.
void note_connection(std::string_view value, field_facts& facts) noexcept {
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::string_view option = trim_blanks(value.substr(0, comma));
    facts.connection_close = facts.connection_close || equals_ignoring_case(option, "close");
    facts.connection_keep_alive = facts.connection_keep_alive || equals_ignoring_case(option, "keep-alive");
    facts.connection_upgrade = facts.connection_upgrade || equals_ignoring_case(option, "upgrade");
    if (comma == std::string_view::npos) return;
    value.remove_prefix(comma + 1);
  }
}

// The length alone rules out nearly every field, so the common one costs a jump and no comparison.
outcome note_field(const header_field& field, field_facts& facts) noexcept {
  const auto named = [&field](std::string_view name) { return equals_ignoring_case(field.name, name); };
  switch (field.name.size()) {
    case 4:
      if (named("host")) {
        ++facts.hosts;
        facts.host = field.value;
      }
      break;
    case 6:
      if (named("expect")) {
        facts.expects_continue = facts.expects_continue || equals_ignoring_case(field.value, "100-continue");
      }
      break;
    case 7:
      facts.upgrade_field = facts.upgrade_field || named("upgrade");
      break;
    case 10:
      if (named("connection")) note_connection(field.value, facts);
      break;
    case 14:
      if (named("content-length")) return note_content_length(field.value, facts);
      break;
    case 17:
      if (named("transfer-encoding")) {
        ++facts.transfer_encodings;
        facts.chunked = equals_ignoring_case(field.value, "chunked");
      }
      break;
    default:
      break;
  }
  return {};
}

// The name of the line that starts at `at`, moving `at` behind the colon.
std::expected<std::string_view, parse_error> read_name(const char*& at) noexcept {
  const char* const start = at;
  while (is_token(*at)) ++at;
  const std::string_view name(start, static_cast<std::size_t>(at - start));
  if (*at == ':' && !name.empty()) {
    ++at;
    return name;
  }
  if (!is_blank(*at)) return std::unexpected(reason_for(at, parse_error::bad_header_name));
  if (name.empty()) return std::unexpected(parse_error::obs_fold);
  while (is_blank(*at)) ++at;
  return std::unexpected(*at == ':' ? parse_error::space_before_colon : reason_for(at, parse_error::bad_header_name));
}

// The value up to its CRLF, moving `at` behind that.
std::expected<std::string_view, parse_error> read_value(const char*& at, const char* last) noexcept {
  while (is_blank(*at)) ++at;
  const char* const start = at;
  for (at = find_control(at, last); *at == '\t';) at = find_control(at + 1, last);
  if (*at != '\r' || at[1] != '\n') return std::unexpected(reason_for(at, parse_error::bad_header_value));
  const char* end = at;
  while (end != start && is_blank(end[-1])) --end;
  at += 2;
  return std::string_view(start, static_cast<std::size_t>(end - start));
}

}  // namespace

// No loop here compares with the end: the last bytes are CRLFCRLF, and every loop stops at a CR or LF at the latest.
outcome read_field_lines(const char* first, const char* last, std::size_t max_fields, header_list& headers,
                         field_facts& facts) noexcept {
  const char* at = first;
  while (*at != '\r') {
    const auto name = read_name(at);
    if (!name) return std::unexpected(name.error());
    const auto value = read_value(at, last);
    if (!value) return std::unexpected(value.error());
    const header_field field{.name = *name, .value = *value};
    if (headers.size() >= max_fields || !headers.push_back(field)) {
      return std::unexpected(parse_error::too_many_headers);
    }
    if (auto noted = note_field(field, facts); !noted) return noted;
  }
  if (at[1] != '\n') return std::unexpected(parse_error::bare_cr);
  if (at + 2 != last) return std::unexpected(parse_error::incomplete_head);
  return {};
}

}  // namespace assay::http::detail
