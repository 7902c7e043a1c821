// What a session takes from an answer and sends again later: a value in its JSON, a header field or a part of it, a
// cookie, or what stands between two texts of its body.
//
//   answer_reader reads;                                  // of a session
//   reads.begin(step.takes, &jar, target, now, unix_s);   // before the exchange, as its tap
//   ... co_await connection.exchange(...);
//   std::optional<std::string> id = reads.value(0);
//
// A value comes from the server and goes into a request: where it goes into a target or a header it must not change
// what the request is, so one that could is as good as none.
//
// Misuse: a body that is sent compressed; what is looked at are the bytes of the message.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/load/cookie_jar.hpp"
#include "lab/load/exchange.hpp"
#include "lab/load/json_check.hpp"
#include "lab/model/scenario.hpp"

namespace assay::load {

inline constexpr std::size_t max_extracted_bytes = 4096;  // a longer value is none
inline constexpr std::size_t max_extracted = 16;          // of a step

// Where later steps put it.
struct value_places {
  bool in_target = false;
  bool in_header = false;
};

class extractor {
 public:
  // The error continues a sentence: "expected ...".
  static std::expected<extractor, std::string> create(const model::extraction& from, value_places goes);

  bool needs_body() const { return path_.has_value() || from_.from == model::extraction::kind::body; }
  std::optional<std::string> from_head(const http::response_head& head) const;
  std::optional<std::string> from_body(std::string_view body) const;

 private:
  explicit extractor(model::extraction from) : from_(std::move(from)) {}
  std::optional<std::string> between(std::string_view text) const;
  bool is_usable(const std::string& value) const;

  model::extraction from_;
  std::optional<json_check> path_;
  value_places goes_;
};

class answer_reader final : public answer_tap {
 public:
  // `wanted` and `jar` outlive the exchange; without a jar cookies are not kept.
  void begin(std::span<const extractor> wanted, cookie_jar* jar, std::string_view target, instant now,
             std::int64_t unix_s);
  void on_head(const http::response_head& head) override;
  void on_body(std::string_view piece) override;
  // What the extractor of that place took, once the answer is there; nothing when it was not to be had.
  std::optional<std::string> value(std::size_t index) const;

 private:
  std::span<const extractor> wanted_;
  cookie_jar* jar_ = nullptr;
  std::string_view target_;
  instant now_{};
  std::int64_t unix_s_ = 0;
  bool keeps_body_ = false;
  bool too_long_ = false;  // more than max_json_body: it holds nothing
  std::string body_;
  std::vector<std::optional<std::string>> from_head_;
};

}  // namespace assay::load
