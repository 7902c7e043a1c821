#include "lab/learn/log_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <type_traits>
#include <utility>

namespace assay::learn {
namespace {

constexpr std::string_view clf = "combined";

}  // namespace

std::expected<void, std::string> log_input::open() {
  auto reader = log_reader::open(path_);
  if (!reader) return std::unexpected(reader.error());
  reader_ = std::move(*reader);
  if (const auto looked = reader_->look(formats_->allows_archive()); !looked) return std::unexpected(looked.error());
  if (reader_->is_archive()) {
    std::vector<parser_pointer> archive;
    archive.push_back(make_parser("har"));
    parser_.emplace(std::move(archive));
    detected_ = {.name = "har", .understood = 1, .tried = 1, .runner_up = {}};
  } else {
    parser_.emplace(formats_->parsers());
    detected_ = parser_->choose(reader_->first_lines());
  }
  return advance();
}

std::expected<void, std::string> log_input::take_next() {
  if (reader_->next_at_hand(raw_)) return {};
  const auto raw = reader_->next();
  if (!raw) return std::unexpected(raw.error());
  has_ended_ = !*raw;
  if (*raw) raw_ = **raw;
  return {};
}

std::expected<bool, std::string> log_input::parse_next() {
  if (!has_ended_) {
    if (const auto taken = take_next(); !taken) return std::unexpected(taken.error());
  }
  if (has_ended_) {
    found_ = parser_->rest();
    return found_.has_value();
  }
  const bool is_fault = raw_.too_long && !parser_->chosen().joins_lines();
  if (is_fault) {
    found_ = std::unexpected(line_fault::too_long);
  } else {
    // Made where it stays: a line is larger than what is copied in passing.
    static_assert(std::is_trivially_destructible_v<decltype(found_)>);
    ::new (static_cast<void*>(&found_)) auto(parser_->parse(raw_.text));
  }
  return true;
}

void log_input::reject(line_fault fault) {
  ++source_.lines;
  const std::string reason(label(fault));
  if (++source_.rejected[reason] == 1) {
    source_.rejected_sample[reason] = fmt::format("line {}: {}", raw_.number, outline(raw_.text));
  }
}

void log_input::count(const access_line& line) {
  ++source_.lines;
  ++source_.kept;
  if (const line_parser* now = &parser_->chosen(); now != counted_parser_) {
    counted_parser_ = now;
    counted_ = &by_format_[std::string(now->name())];
  }
  ++*counted_;
  ++(line.combined ? combined_ : plain_);
  if (!line.vhost.empty()) ++with_vhost_;
  fraction_digits_ = std::max(fraction_digits_, line.fraction_digits);
  if (line.stamp + most_disorder < latest_stamp_) ++source_.clock_anomalies;
  latest_stamp_ = std::max(latest_stamp_, line.stamp);
  clock_ = std::max(clock_, start_of(line));
}

std::expected<void, std::string> log_input::advance() {
  has_head_ = false;
  for (;;) {
    const auto more = parse_next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    if (!found_) {
      const line_fault fault = found_.error();
      if (fault == line_fault::aside) ++set_aside_;
      if (fault != line_fault::aside && fault != line_fault::unfinished) reject(fault);
      continue;
    }
    // A line without an end that lacks the fields of the others was cut, perhaps in the middle of a number.
    if (!raw_.ended && !found_->combined && combined_ > plain_) {
      reject(line_fault::cut_short);
      continue;
    }
    has_head_ = true;
    count(*found_);
    return {};
  }
}

std::expected<model::log_source, std::string> log_input::finish() {
  bytes_read read = reader_->finish();
  source_.path = path_;
  source_.bytes = read.bytes;
  source_.sha256 = std::move(read.sha256);
  const auto usual = std::ranges::max_element(by_format_, {}, [](const auto& each) { return each.second; });
  source_.format = usual == by_format_.end() ? detected_.name : usual->first;
  if (source_.format == clf) {
    source_.format = combined_ >= plain_ ? clf : "common";
    if (2 * with_vhost_ > source_.kept) source_.format += " with virtual host";
  }
  const std::uint64_t refused = source_.lines - source_.kept;
  if (static_cast<double>(refused) <= most_rejected * static_cast<double>(source_.lines)) return source_;
  const auto mostly = std::ranges::max_element(source_.rejected, {}, [](const auto& each) { return each.second; });
  return std::unexpected(fmt::format(
      "{}: expected an access log; {} of {} lines are not, mostly: {} ({}); read as {}, --format names another",
      name_of(path_), refused, source_.lines, mostly->first, source_.rejected_sample.at(mostly->first),
      source_.format));
}

}  // namespace assay::learn
