// Reads replies out of bytes that come in pieces: RESP2 and RESP3, strict, with a limit for everything.
//
//   while (!bytes.empty()) {
//     auto next = reader.read(bytes);                  // takes what belongs to the reply under way
//     if (!next) ...                                   // not Redis: the connection is of no use any more
//     if (*next) use(std::move(**next));               // else more bytes are needed
//   }
//
// A length is believed only as far as the limits allow, and no memory is taken for what has not arrived. Attributes are
// read and dropped; streamed strings and aggregates, which no server sends, are refused.
//
// Misuse: going on after a fault. Where the next reply begins is not known then; read() says the same fault again.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/data/redis/reply.hpp"

namespace assay::data::redis {

struct reply_limits {
  std::size_t max_reply_bytes = 64 * 1024 * 1024;  // of one reply, framing included
  std::size_t max_line_bytes = 64 * 1024;          // a status, an error, a length
  std::size_t max_elements = 1024 * 1024;          // of one reply, over all its levels
  std::size_t max_depth = 16;                      // aggregates in aggregates
};

enum class reply_fault : std::uint8_t {
  unknown_type,
  bad_line,
  line_too_long,
  bad_number,
  bad_length,
  bad_text_end,
  reply_too_large,
  too_many_elements,
  too_deep,
  misplaced_push,
};

// A sentence for a log. A literal, so it ends with a NUL.
const char* describe(reply_fault fault);

class reply_reader {
 public:
  explicit reply_reader(const reply_limits& limits = {}) : limits_(limits) {}

  // The next reply once its last byte is there; nullopt when all of `bytes` is used up before. What follows the reply
  // stays in `bytes`.
  std::expected<std::optional<reply>, reply_fault> read(std::string_view& bytes);

  // Not a byte of the next reply has been taken.
  bool at_start() const { return reply_bytes_ == 0; }

 private:
  struct aggregate {
    reply value;
    std::size_t due = 0;  // elements still to come
    bool attribute = false;
  };
  struct body {
    char type = '$';
    std::size_t due = 0;  // bytes, CR and LF included
  };

  bool fail(reply_fault why);
  bool take_line(std::string_view& bytes);
  bool take_body(std::string_view& bytes);
  bool on_line(std::string_view line);
  bool on_scalar(char type, std::string_view rest);
  bool on_text_length(char type, std::string_view rest);
  bool on_aggregate(char type, std::string_view rest);
  bool on_body();
  bool complete(reply value);

  reply_limits limits_;
  std::optional<reply_fault> fault_;
  std::string line_;                // the part of a line that came before
  std::optional<body> body_;        // a text whose length is known
  std::string text_;                // what of it has come
  std::vector<aggregate> open_;     // the outermost first
  std::optional<reply> done_;       // the whole reply
  std::size_t reply_bytes_ = 0;     // of the reply under way
  std::size_t reply_elements_ = 0;  // announced by it so far
};

}  // namespace assay::data::redis
