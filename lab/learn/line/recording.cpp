#include "lab/learn/line/recording.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "lab/learn/line/owned_line.hpp"
#include "lab/learn/line/record_head.hpp"
#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

// The client's address, which an id of 24 digits holds behind both ports.
std::string address_of(std::string_view id) {
  if (id.size() != 24) return {};
  std::string address;
  for (std::size_t at = 8; at < 16; at += 2) {
    if (!address.empty()) address += '.';
    address += std::to_string(16 * hex_digit(id[at]) + hex_digit(id[at + 1]));
  }
  return address;
}

// "Name: value" of a head; the value when the name is `wanted`, which is in lower case.
std::optional<std::string_view> header_value(std::string_view line, std::string_view wanted) {
  const std::size_t colon = line.find(':');
  const bool is = colon == wanted.size() && std::ranges::equal(line.substr(0, colon), wanted, [](char a, char b) {
                    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
                  });
  if (!is) return std::nullopt;
  line.remove_prefix(colon + 1);
  const std::size_t begins = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(begins);
  line = line.substr(0, line.find_last_not_of(" \t\r") + 1);
  return line;
}

class recording_parser : public line_parser {
 public:
  std::string_view name() const override { return "goreplay"; }
  bool joins_lines() const override { return true; }
  void reset() override {
    where_ = part::between;
    open_.clear();
  }

  std::expected<access_line, line_fault> parse(std::string_view line) override {
    if (line == record_separator) return end_record();
    switch (where_) {
      case part::between:
        return begin_record(line);
      case part::first:
        read_first(line);
        where_ = part::headers;
        break;
      case part::headers:
        if (line.empty() || line == "\r") {
          where_ = part::body;
        } else {
          read_header(line);
        }
        break;
      case part::body:
        body_bytes_ += line.size() + 1;
        break;
      case part::lost:
        break;
    }
    return std::unexpected(line_fault::unfinished);
  }

  // A last record without a separator is dropped, as GoReplay drops it.
  std::expected<access_line, line_fault> rest() override {
    if (open_.empty()) return std::unexpected(line_fault::unfinished);
    return release(open_.begin());
  }

 private:
  enum class part : std::uint8_t { between, first, headers, body, lost };
  struct request {
    std::string id;
    owned_line line;
  };

  std::expected<access_line, line_fault> begin_record(std::string_view line) {
    if (line.empty()) return std::unexpected(line_fault::unfinished);
    const auto head = read_record_head(line);
    if (!head) {
      where_ = part::lost;  // until the next separator; counted once
      return std::unexpected(line_fault::bad_record);
    }
    kind_ = head->kind;
    id_ = head->id;
    at_ = head->at;
    first_.clear();
    agent_.clear();
    host_.clear();
    forwarded_.clear();
    body_bytes_ = 0;
    announced_bytes_.reset();
    where_ = part::first;
    return std::unexpected(line_fault::unfinished);
  }

  void read_first(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    first_ = line;
  }

  void read_header(std::string_view line) {
    if (const auto agent = header_value(line, "user-agent")) agent_ = *agent;
    if (const auto host = header_value(line, "host")) host_ = *host;
    if (const auto forwarded = header_value(line, "x-forwarded-for")) forwarded_ = *forwarded;
    if (const auto length = header_value(line, "content-length")) announced_bytes_ = whole_number(*length);
  }

  std::expected<access_line, line_fault> end_record() {
    const part ended = std::exchange(where_, part::between);
    if (ended == part::between || ended == part::lost) return std::unexpected(line_fault::unfinished);
    if (ended == part::first) return std::unexpected(line_fault::no_request);
    if (kind_ == '1') return end_request();
    if (kind_ == '2') return end_response();
    return std::unexpected(line_fault::aside);  // what a replay was answered is another service's word
  }

  std::expected<access_line, line_fault> end_request() {
    access_line line;
    const std::string address = address_of(id_);
    line.address = address;
    line.stamp = at_.at;
    line.fraction_digits = 6;
    line.stamp_is = stamped::start;
    line.vhost = host_;
    line.agent = agent_;
    line.forwarded_for = forwarded_;
    read_request(first_, line);
    request& made = open_.emplace_back();
    made.id = id_;
    made.line.keep(line);
    if (open_.size() <= max_open_requests) return std::unexpected(line_fault::unfinished);
    return release(open_.begin());
  }

  std::expected<access_line, line_fault> end_response() {
    const auto asked = std::ranges::find(open_, id_, &request::id);
    if (asked == open_.end()) return std::unexpected(line_fault::aside);  // its request was before the recording
    access_line& line = asked->line.line();
    const bool is_status_line = first_.starts_with("HTTP/") && first_.size() >= 12 && first_[8] == ' ';
    line.status = is_status_line ? fixed_number(first_, 9, 3) : -1;
    if (line.status < 100 || line.status > 599) {
      open_.erase(asked);
      return std::unexpected(line_fault::bad_status);
    }
    // The line break before the separator is not the body's.
    line.bytes = announced_bytes_.value_or(body_bytes_ > 0 ? body_bytes_ - 1 : 0);
    const auto took = at_.at - line.stamp;
    if (took.count() >= 0) line.request_time_s = std::chrono::duration<double>(took).count();
    return release(asked);
  }

  std::expected<access_line, line_fault> release(const std::deque<request>::iterator& which) {
    released_ = std::move(which->line);
    open_.erase(which);
    return released_.line();
  }

  part where_ = part::between;
  char kind_ = '1';
  std::string id_, first_, agent_, host_, forwarded_;
  instant at_;
  std::uint64_t body_bytes_ = 0;
  std::optional<std::uint64_t> announced_bytes_;
  std::deque<request> open_;  // in the order they came; a response is usually that of one of the last
  owned_line released_;
};

}  // namespace

parser_pointer make_recording_parser() { return std::make_unique<recording_parser>(); }

}  // namespace assay::learn
