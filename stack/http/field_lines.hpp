// Reads the field lines of a head into a header_list, and collects on the way what framing and connection
// handling need, so that no field is looked up by name afterwards. Private to this room.
//
// Misuse: reading `content_length` where `transfer_encodings` is not zero. The facts are only collected here;
// which of them may stand together is the parser's decision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "stack/http/message.hpp"
#include "stack/http/parse_error.hpp"

namespace assay::http::detail {

struct field_facts {
  std::optional<std::uint64_t> content_length;
  std::string_view host;               // of the last Host field
  std::size_t hosts = 0;               // how many Host fields
  std::size_t transfer_encodings = 0;  // how many Transfer-Encoding fields
  bool chunked = false;                // the last of them is exactly "chunked"
  bool connection_close = false;       // options named by any Connection field
  bool connection_keep_alive = false;
  bool connection_upgrade = false;
  bool upgrade_field = false;
  bool expects_continue = false;
};

// `first` is the start of the first field line, `last` the end of the head, which ends in CRLFCRLF. Accepts
// exactly field lines and one empty line at the end.
[[nodiscard]] std::expected<void, parse_error> read_field_lines(const char* first, const char* last,
                                                                std::size_t max_fields, header_list& headers,
                                                                field_facts& facts) noexcept;

}  // namespace assay::http::detail
