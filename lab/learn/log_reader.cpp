#include "lab/learn/log_reader.hpp"

#include <algorithm>
#include <utility>

#include "lab/learn/line/detector.hpp"

namespace assay::learn {
namespace {

static_assert(block_bytes > 2 * max_line_bytes);

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
}  // namespace

std::expected<log_reader, std::string> log_reader::open(const std::string& path) {
  auto bytes = byte_source::open(path);
  if (!bytes) return std::unexpected(bytes.error());
  return log_reader(std::move(*bytes));
}

std::expected<void, std::string> log_reader::look(bool may_be_archive) {
  // Until the block is full, or the lines suffice: a pipe hands out little at a time.
  for (;;) {
    const auto lines = static_cast<std::size_t>(std::ranges::count(blocks_.buffered(), '\n'));
    if (lines > most_sampled_lines) break;
    const auto more = blocks_.fill();
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
  }
  if (blocks_.buffered().starts_with(byte_order_mark)) blocks_.drop(byte_order_mark.size());
  std::string_view text = blocks_.buffered();
  is_archive_ = may_be_archive && begins_archive(text);
  while (!is_archive_ && first_lines_.size() < most_sampled_lines) {
    const std::size_t end = text.find('\n');
    // A line that goes on beyond the block is looked at only when there is no other.
    if (end == std::string_view::npos && (text.empty() || !first_lines_.empty())) break;
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    first_lines_.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return {};
}

raw_line log_reader::made(std::string_view text, bool ended) {
  const bool is_long = text.size() > max_line_bytes;
  if (is_long) text = text.substr(0, max_sample_bytes);
  if (number_ == 0 && text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (text.ends_with('\r')) text.remove_suffix(1);
  return {.number = ++number_, .text = text, .too_long = is_long, .ended = ended};
}

// What is buffered is longer than a line may be: its begin is shown, the rest passed over.
std::expected<std::optional<raw_line>, std::string> log_reader::long_line() {
  kept_ = blocks_.buffered().substr(0, max_line_bytes + 1);
  for (;;) {
    const std::size_t end = blocks_.buffered().find('\n');
    if (end != std::string_view::npos) {
      blocks_.drop(end + 1);
      return made(kept_, true);
    }
    blocks_.drop(blocks_.buffered().size());
    const auto more = blocks_.fill();
    if (!more) return std::unexpected(more.error());
    if (!*more) return made(kept_, false);
  }
}

bool log_reader::next_at_hand(raw_line& to) {
  if (is_archive_) return false;
  blocks_.drop(std::exchange(pending_drop_, 0));
  const std::string_view text = blocks_.buffered();
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return false;
  pending_drop_ = end + 1;
  to = made(text.substr(0, end), true);
  return true;
}

std::expected<std::optional<raw_line>, std::string> log_reader::next_line() {
  blocks_.drop(std::exchange(pending_drop_, 0));
  for (;;) {
    const std::string_view text = blocks_.buffered();
    const std::size_t end = text.find('\n');
    if (end != std::string_view::npos) {
      pending_drop_ = end + 1;
      return made(text.substr(0, end), true);
    }
    if (text.size() > max_line_bytes) return long_line();
    const auto more = blocks_.fill();
    if (!more) return std::unexpected(more.error());
    if (*more) continue;
    const std::string_view last = blocks_.buffered();
    if (last.empty()) return std::nullopt;
    pending_drop_ = last.size();
    return made(last, false);
  }
}

std::expected<std::optional<raw_line>, std::string> log_reader::next_entry() {
  for (;;) {
    std::string_view rest = blocks_.buffered();
    const std::size_t before = rest.size();
    const bool whole = cutter_.feed(rest);
    blocks_.drop(before - rest.size());
    if (whole) {
      const bool is_long = cutter_.entry().size() > max_entry_bytes;
      const std::string_view shown = cutter_.entry().substr(0, is_long ? max_sample_bytes : max_entry_bytes);
      return raw_line{.number = ++number_, .text = shown, .too_long = is_long, .ended = true};
    }
    const auto more = blocks_.fill();
    if (!more) return std::unexpected(more.error());
    if (*more) continue;
    // The file ends inside of an entry: it was cut, and what there is of it is no object.
    if (!std::exchange(is_cut_, true) && cutter_.is_inside()) {
      return raw_line{.number = ++number_, .text = cutter_.entry(), .too_long = false, .ended = false};
    }
    return std::nullopt;
  }
}

}  // namespace assay::learn
