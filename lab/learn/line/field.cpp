#include "lab/learn/line/field.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

constexpr std::array names{std::pair{std::string_view("address"), field::address},
                           std::pair{std::string_view("agent"), field::agent},
                           std::pair{std::string_view("bytes"), field::bytes},
                           std::pair{std::string_view("host"), field::vhost},
                           std::pair{std::string_view("method"), field::method},
                           std::pair{std::string_view("path"), field::path},
                           std::pair{std::string_view("query"), field::query},
                           std::pair{std::string_view("referer"), field::referer},
                           std::pair{std::string_view("request"), field::request},
                           std::pair{std::string_view("request_bytes"), field::request_bytes},
                           std::pair{std::string_view("start"), field::start},
                           std::pair{std::string_view("status"), field::status},
                           std::pair{std::string_view("target"), field::target},
                           std::pair{std::string_view("time"), field::stamp},
                           std::pair{std::string_view("took_ms"), field::took_ms},
                           std::pair{std::string_view("took_ns"), field::took_ns},
                           std::pair{std::string_view("took_s"), field::took_s},
                           std::pair{std::string_view("took_us"), field::took_us},
                           std::pair{std::string_view("upstream_ms"), field::upstream_ms},
                           std::pair{std::string_view("upstream_s"), field::upstream_s},
                           std::pair{std::string_view("user"), field::user},
                           std::pair{std::string_view("xff"), field::forwarded_for}};

bool is_none(std::string_view text) { return text.empty() || text == "-"; }

double unit_s(field of) {
  switch (of) {
    case field::took_ms:
    case field::took_last_ms:
      return 1e-3;
    case field::took_us:
      return 1e-6;
    case field::took_ns:
      return 1e-9;
    default:
      return 1;
  }
}

}  // namespace

std::optional<field> field_named(std::string_view name) {
  const auto found = std::ranges::find(names, name, [](const auto& each) { return each.first; });
  return found == names.end() ? std::nullopt : std::optional(found->second);
}

std::string field_names() {
  std::string all;
  for (const auto& [name, what] : names) all.append(all.empty() ? "" : ", ").append(name);
  return all;
}

void line_builder::begin(stamped stamp_is) {
  line_ = {};
  line_.stamp_is = stamp_is;
  date_ = time_ = path_ = query_ = {};
  has_stamp_ = has_start_ = has_request_ = has_status_ = has_body_bytes_ = false;
}

std::expected<void, line_fault> line_builder::set_stamp(const std::optional<instant>& read, stamped stamp_is) {
  if (!read) return std::unexpected(line_fault::bad_stamp);
  line_.stamp = read->at;
  line_.zone = read->zone;
  line_.fraction_digits = read->digits;
  line_.stamp_is = stamp_is;
  has_stamp_ = true;
  return {};
}

std::expected<void, line_fault> line_builder::set_took(field what, std::string_view text) {
  if (is_none(text) || text == "-1") return {};
  if (what == field::upstream_part_s) add_upstream(text, 1);
  if (what == field::took_last_ms) {
    const std::size_t slash = text.rfind('/');
    const std::string_view before = text.substr(0, slash == std::string_view::npos ? 0 : slash);
    add_upstream(before.substr(before.rfind('/') + 1), 1e-3);  // npos + 1 is 0
    text.remove_prefix(slash + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    if (text == "-1") return {};
  }
  const auto number = amount(text);
  if (!number) return std::unexpected(line_fault::bad_duration);
  const bool is_part = what == field::took_part_s || what == field::upstream_part_s;
  const double before = is_part ? line_.request_time_s.value_or(0) : 0;
  line_.request_time_s = before + *number * unit_s(what);
  return {};
}

// Tries and redirects, of which some came to nothing: "0.100, - : 0.150". What is no number says nothing, and is no
// fault: a line is not refused for it.
void line_builder::add_upstream(std::string_view text, double unit_s) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(",: "), text.size());
    if (const auto each = amount(text.substr(0, end))) {
      line_.upstream_time_s = line_.upstream_time_s.value_or(0) + *each * unit_s;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void line_builder::set_connection(field what, std::string_view text) {
  const auto number = whole_number(text);
  if (!number) return;
  if (what == field::request_bytes) {
    line_.request_bytes = number;
  } else {
    line_.on_connection = *number + (what == field::kept_alive ? 1 : 0);
  }
}

std::expected<void, line_fault> line_builder::set_number(field what, std::string_view text) {
  if (what == field::status) {
    has_status_ = true;
    // 0, 000 and -1: the client or the proxy went before there was an answer.
    if (text == "-" || text == "0" || text == "000" || text == "-1") return {};
    line_.status = text.size() == 3 ? fixed_number(text, 0, 3) : -1;
    if (line_.status < 100 || line_.status > 599) return std::unexpected(line_fault::bad_status);
    return {};
  }
  if (is_none(text) || text == "-1") return {};
  const auto number = whole_number(text);
  if (!number) return std::unexpected(line_fault::bad_size);
  if (what == field::wire_bytes && has_body_bytes_) return {};
  has_body_bytes_ = has_body_bytes_ || what == field::bytes;
  line_.bytes = *number;
  return {};
}

std::expected<void, line_fault> line_builder::set(field what, std::string_view text) {
  const auto word = [&](std::string_view& to) -> std::expected<void, line_fault> {
    if (!is_none(text)) to = text;
    return {};
  };
  switch (what) {
    case field::skipped:
      return {};
    case field::vhost:
      return word(line_.vhost);
    case field::address:
      if (!is_none(text)) line_.address = without_port(text);
      return {};
    case field::user:
      return word(line_.user);
    case field::forwarded_for:
      return word(line_.forwarded_for);
    case field::stamp:
      if (has_start_) return {};
      return set_stamp(any_instant(text), line_.stamp_is);
    case field::start:
      if (is_none(text)) return {};
      has_start_ = true;
      return set_stamp(any_instant(text), stamped::start);
    case field::date:
      return word(date_);
    case field::time:
      return word(time_);
    case field::request:
      has_request_ = true;
      read_request(text, line_);
      return {};
    case field::method:
      has_request_ = true;
      if (is_method(text)) line_.method = text;
      return {};
    case field::target:
      return word(line_.target);
    case field::path:
      return word(path_);
    case field::query:
      return word(query_);
    case field::protocol:
      return word(line_.protocol);
    case field::status:
    case field::bytes:
    case field::wire_bytes:
      return set_number(what, text);
    case field::referer:
      return word(line_.referer);
    case field::agent:
      return word(line_.agent);
    case field::upstream_s:
    case field::upstream_ms:
      add_upstream(text, what == field::upstream_s ? 1 : 1e-3);
      return {};
    case field::request_bytes:
    case field::on_connection:
    case field::kept_alive:
      set_connection(what, text);
      return {};
    default:
      return set_took(what, text);
  }
}

std::expected<access_line, line_fault> line_builder::finish() {
  if (!has_stamp_ && !date_.empty()) {
    const auto set = set_stamp(date_and_time(date_, time_), line_.stamp_is);
    if (!set) return std::unexpected(set.error());
  }
  if (!has_stamp_ || !has_request_) return std::unexpected(line_fault::no_field);
  if (line_.target.empty() && !path_.empty()) {
    line_.target = path_;
    if (!query_.empty()) {
      joined_.assign(path_);
      if (!query_.starts_with('?')) joined_ += '?';
      line_.target = joined_.append(query_);
    }
  }
  if (line_.method.empty() || line_.target.empty()) line_.method = line_.target = line_.protocol = {};
  return line_;
}

}  // namespace assay::learn
