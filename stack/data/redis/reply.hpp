// What Redis answers, as a value: RESP2 and RESP3 alike.
//
//   if (const auto text = got->text_if()) ...       // std::optional<std::string_view>, nullopt: there is no such key
//
// A map's elements are key, value, key, value. RESP2 has no maps: there the same command gives an array of that order,
// so that whoever reads elements in pairs reads both.
//
// Misuse: taking null for an empty text; the first says that there is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::data::redis {

enum class reply_kind : std::uint8_t {
  null,
  status,      // "OK", "QUEUED": a word of the server
  text,        // bytes of any kind
  integer,     // boolean answers of RESP2 are 0 and 1
  real,        // RESP3
  boolean,     // RESP3: `integer` is 0 or 1
  big_number,  // RESP3: more digits than an integer holds, in `text`
  error,       // "WRONGTYPE Operation against ...", in `text`
  array,
  map,
  set,
  push,  // RESP3: not an answer, but news: a message, an invalidated key
};

struct reply {
  reply_kind kind = reply_kind::null;
  std::string text{};
  std::int64_t integer = 0;
  double real = 0;
  std::vector<reply> elements{};

  bool is_null() const { return kind == reply_kind::null; }
  bool is_error() const { return kind == reply_kind::error; }
  // Of a text or a status.
  std::optional<std::string_view> text_if() const {
    if (kind != reply_kind::text && kind != reply_kind::status) return std::nullopt;
    return text;
  }
  // Of an integer or a boolean.
  std::optional<std::int64_t> integer_if() const {
    if (kind != reply_kind::integer && kind != reply_kind::boolean) return std::nullopt;
    return integer;
  }
};

}  // namespace assay::data::redis
