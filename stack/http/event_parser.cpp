#include "stack/http/event_parser.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "stack/http/chars.hpp"

namespace assay::http {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

}  // namespace

const char* describe(event_fault fault) {
  switch (fault) {
    case event_fault::line_too_long:
      return "a line of the event stream is longer than max_line_bytes";
    case event_fault::data_too_large:
      return "an event is larger than max_data_bytes";
  }
  return "a fault";
}

void event_parser::restart() {
  fault_.reset();
  first_line_ = true;
  after_cr_ = false;
  line_.clear();
  type_.clear();
  data_.clear();
  id_ = last_event_id_;
}

std::expected<std::optional<received_event>, event_fault> event_parser::next(std::string_view& bytes) {
  while (!bytes.empty() && !fault_) {
    if (std::exchange(after_cr_, false) && bytes.front() == '\n') {
      bytes.remove_prefix(1);
      continue;
    }
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() > limits_.max_line_bytes) {
      fault_ = event_fault::line_too_long;
      break;
    }
    if (end == std::string_view::npos) {
      line_.append(piece);
      bytes = {};
      break;
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    std::optional<received_event> event;
    if (line_.empty()) {
      event = on_line(piece);
    } else {
      event = on_line(std::exchange(line_, {}).append(piece));
    }
    if (event) return event;
  }
  if (fault_) return std::unexpected(*fault_);
  return std::nullopt;
}

std::optional<received_event> event_parser::on_line(std::string_view line) {
  if (std::exchange(first_line_, false) && line.starts_with(byte_order_mark)) {
    line.remove_prefix(byte_order_mark.size());
  }
  if (line.empty()) return dispatch();
  const std::size_t colon = line.find(':');
  if (colon == 0) return std::nullopt;  // a comment
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  on_field(line.substr(0, colon), value);
  return std::nullopt;
}

void event_parser::on_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    if (data_.size() + value.size() + 1 > limits_.max_data_bytes) {
      fault_ = event_fault::data_too_large;
      return;
    }
    data_.append(value).push_back('\n');
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id") {
    if (!value.contains('\0')) id_ = value;
  } else if (name == "retry") {
    if (value.empty() || !std::ranges::all_of(value, detail::is_digit)) return;
    std::chrono::milliseconds::rep span = 0;
    const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), span);
    if (problem == std::errc::result_out_of_range) span = std::numeric_limits<decltype(span)>::max();
    retry_ = std::chrono::milliseconds(span);
  }
}

// Fields without data are no event; of them the id counts all the same.
std::optional<received_event> event_parser::dispatch() {
  last_event_id_ = id_;
  std::string type = std::exchange(type_, {});
  if (data_.empty()) return std::nullopt;
  std::string data = std::exchange(data_, {});
  data.pop_back();
  if (type.empty()) type = "message";
  return received_event{.type = std::move(type), .data = std::move(data), .last_event_id = last_event_id_};
}

}  // namespace assay::http
