// One input of a log: what its lines are, which are refused, and whether its clock is to be trusted.
//
//   log_input input("access.log.gz", formats);
//   input.open();
//   while (const access_line* line = input.head()) { …; input.advance(); }
//   model::log_source source = input.finish();
//
// Misuse: keeping the head over an advance(); its views point into what was read.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "lab/learn/format_choice.hpp"
#include "lab/learn/line/detector.hpp"
#include "lab/learn/log_reader.hpp"
#include "lab/model/profile.hpp"

namespace assay::learn {

inline constexpr double most_rejected = 0.5;  // of an input's lines: more, and it is no access log
inline constexpr std::chrono::seconds most_disorder{60};

class log_input {
 public:
  log_input(std::string path, const format_choice& formats) : path_(std::move(path)), formats_(&formats) {}
  log_input(const log_input&) = delete;
  log_input& operator=(const log_input&) = delete;

  // Finds the format, and the first request. Every error is one line that names the path.
  std::expected<void, std::string> open();
  std::expected<void, std::string> advance();

  // The request that is next; null at the end.
  const access_line* head() const { return has_head_ ? &*found_ : nullptr; }
  // Starts as they go on: the head's, or that of an earlier request when the head is out of order.
  log_time clock() const { return clock_; }
  bool is_regular() const { return reader_ && reader_->is_regular(); }

  // At the end: an input of which most is refused is not what the user meant.
  std::expected<model::log_source, std::string> finish();

  // What the source does not say.
  const detected_format& detected() const { return detected_; }
  std::uint64_t set_aside() const { return set_aside_; }  // headers, comments, entries of other kinds
  const std::map<std::string, std::uint64_t>& by_format() const { return by_format_; }
  std::uint8_t fraction_digits() const { return fraction_digits_; }  // the most of any stamp

 private:
  // The next line into raw_, or has_ended_.
  std::expected<void, std::string> take_next();
  // Parses the next line into found_; false at the end.
  std::expected<bool, std::string> parse_next();
  void reject(line_fault fault);
  void count(const access_line& line);

  std::string path_;
  const format_choice* formats_;
  std::optional<log_reader> reader_;
  std::optional<format_detector> parser_;
  raw_line raw_;
  std::expected<access_line, line_fault> found_ = std::unexpected(line_fault::empty);
  log_time clock_ = log_time::min();
  log_time latest_stamp_{};
  model::log_source source_;
  detected_format detected_;
  std::map<std::string, std::uint64_t> by_format_;  // requests
  const line_parser* counted_parser_ = nullptr;
  std::uint64_t* counted_ = nullptr;  // in by_format_, of that parser
  std::uint64_t set_aside_ = 0;
  std::uint64_t combined_ = 0;
  std::uint64_t plain_ = 0;
  std::uint64_t with_vhost_ = 0;
  std::uint8_t fraction_digits_ = 0;
  bool has_head_ = false;  // found_ is one
  bool has_ended_ = false;
};

}  // namespace assay::learn
