// What an answer must hold beside its status: header fields, texts somewhere in its body, and values in its JSON. The
// body is looked at piece by piece as it is received, and kept for the latter alone.
//
//   answer_checks checks;
//   checks.add("header:content-type~json");   // beside header:etag, header:x-cache=HIT and status=200,404
//   checks.add("body~\"ok\":true");
//   checks.add("json:items[0].id=7");
//
//   body_watch watch(checks);                 // of a connection
//   watch.begin(); watch.take(piece); ... watch.holds();
//
// Misuse: checking a body that is sent compressed; what is compared are the bytes of the message.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/json_check.hpp"
#include "lab/load/recorder.hpp"
#include "stack/http/message.hpp"
#include "stack/runtime/io.hpp"

namespace assay::load {

inline constexpr std::size_t max_checks = 16;
inline constexpr std::size_t max_check_bytes = 1024;

// An answer, and the first check that it failed.
struct answer {
  int status = 0;
  std::optional<failure_kind> failed_check = {};
  instant head_at{};  // when its head was here, which is its first byte unless the head came in pieces
  instant received_at = lent_buffer::unknown;  // its last byte, by the kernel
  instant followed_at = instant::min();        // when the last redirect to it was sent on; never without one
};

// Of one whose status was not expected: a redirect that was not followed says why.
inline failure_kind classify_unexpected(const answer& of) {
  const bool unfollowed =
      of.failed_check == failure_kind::redirects || of.failed_check == failure_kind::redirect_elsewhere;
  return unfollowed ? *of.failed_check : classify_status(of.status);
}

// A text to be found in bytes that come in pieces (Knuth, Morris, Pratt, SIAM J. Comput. 6, 1977): a byte is looked at
// once, whatever the pieces are.
class stream_pattern {
 public:
  explicit stream_pattern(std::string text);
  // How much of the text the bytes so far end with; size() once it has been found.
  std::size_t advance(std::size_t matched, std::string_view piece) const;
  std::size_t size() const { return text_.size(); }

 private:
  std::string text_;
  std::vector<std::uint16_t> borders_;  // of the first i + 1 bytes: the longest proper prefix that is a suffix too
};

class answer_checks {
 public:
  // As typed after --check; the error says what was expected.
  std::expected<void, std::string> add(std::string_view text);

  // Of an answer's header and body: those of the status are the routes'.
  bool any() const { return !fields_.empty() || !texts_.empty() || !values_.empty(); }
  bool fields_hold(const http::header_list& headers) const;
  const std::vector<stream_pattern>& texts() const { return texts_; }
  const std::vector<json_check>& values() const { return values_; }
  // Statuses that are no error where a route names none; empty: every one below 400.
  const std::vector<int>& statuses() const { return statuses_; }

 private:
  struct field_check {
    enum class how : std::uint8_t { present, equals, contains };
    std::string name;
    how is = how::present;
    std::string text;
  };
  static bool holds(const field_check& of, const http::header_list& headers);
  bool add_statuses(std::string_view list);
  bool add_field(std::string_view text);
  bool add_value(std::string_view text);

  std::vector<field_check> fields_;
  std::vector<stream_pattern> texts_;
  std::vector<json_check> values_;
  std::vector<int> statuses_;
};

// How far the body of one answer has come.
class body_watch {
 public:
  explicit body_watch(const answer_checks& checks)
      : texts_(checks.texts()), values_(checks.values()), matched_(texts_.size()) {}

  void begin() {
    matched_.assign(matched_.size(), 0);
    document_.clear();
    too_long_ = false;
  }
  void take(std::string_view piece) {
    for (std::size_t i = 0; i < matched_.size(); ++i) matched_[i] = texts_[i].advance(matched_[i], piece);
    if (!values_.empty()) keep(piece);
  }
  bool holds() const;        // the texts
  bool values_hold() const;  // of its JSON

 private:
  void keep(std::string_view piece);

  const std::vector<stream_pattern>& texts_;
  const std::vector<json_check>& values_;
  std::vector<std::size_t> matched_;
  std::string document_;
  bool too_long_ = false;
};

}  // namespace assay::load
