// What the parts of a line mean, whatever format they stand in: a format hands text to fields, and a line comes out.
//
// Misuse: keeping a line beyond the next begin(): a target that was logged in two parts is joined in here.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "lab/learn/line/access_line.hpp"

namespace assay::learn {

enum class field : std::uint8_t {
  skipped,
  vhost,
  address,  // with a port or without
  user,
  forwarded_for,
  stamp,  // of what the format says it is
  start,  // the request's start, before any stamp
  date,   // with `time`, a stamp in two parts
  time,
  request,  // "GET /x HTTP/1.1"
  method,
  target,
  path,  // with `query`, a target in two parts
  query,
  protocol,
  status,
  bytes,
  wire_bytes,  // with the head; counts where the body's size is not logged
  referer,
  agent,
  took_s,
  took_ms,
  took_us,
  took_ns,
  took_part_s,   // one of several that add up, -1 when it did not come to it
  took_last_ms,  // the last of "10/0/30/69/109"; the one before it is upstream's
  upstream_s,    // waited for what is behind: "0.1, 0.2 : 0.3" adds up
  upstream_ms,
  upstream_part_s,  // the same, and a part of the whole
  request_bytes,    // with the head or without, as the format has it
  on_connection,    // which request of its connection, from 1 on
  kept_alive        // the same, from 0 on
};

// As a user writes it: "time", "took_ms". Empty for other text.
std::optional<field> field_named(std::string_view name);

// All names, for a message: "address, agent, …".
std::string field_names();

class line_builder {
 public:
  void begin(stamped stamp_is);
  // "-" and nothing mean that there is none. A value that cannot be one is the line's fault.
  std::expected<void, line_fault> set(field what, std::string_view text);
  bool has_status() const { return has_status_; }
  bool has_request() const { return has_request_; }
  // Refused when there is no time, or neither a request nor its absence.
  std::expected<access_line, line_fault> finish();

 private:
  std::expected<void, line_fault> set_stamp(const std::optional<instant>& read, stamped stamp_is);
  std::expected<void, line_fault> set_number(field what, std::string_view text);
  std::expected<void, line_fault> set_took(field what, std::string_view text);
  void add_upstream(std::string_view text, double unit_s);
  void set_connection(field what, std::string_view text);

  access_line line_;
  std::string_view date_, time_, path_, query_;
  std::string joined_;  // path and query
  bool has_stamp_ = false;
  bool has_start_ = false;
  bool has_request_ = false;
  bool has_status_ = false;
  bool has_body_bytes_ = false;
};

}  // namespace assay::learn
