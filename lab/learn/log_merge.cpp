#include "lab/learn/log_merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace assay::learn {
namespace {

constexpr std::size_t most_doubts = 20;

}  // namespace

log_merge::log_merge(std::vector<std::string> paths, const format_choice& formats)
    : paths_(std::move(paths)), formats_(&formats), sources_(paths_.size()) {}

std::expected<void, std::string> log_merge::start() {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    waiting each{.index = i, .begins = log_time::min(), .opened = {}};
    // A single input is opened when it is read.
    if (paths_.size() > 1) {
      each.opened = std::make_unique<log_input>(paths_[i], *formats_);
      if (const auto opened = each.opened->open(); !opened) return std::unexpected(opened.error());
      if (each.opened->head() != nullptr) each.begins = each.opened->clock();
      if (each.opened->is_regular()) each.opened.reset();
    }
    waiting_.push_back(std::move(each));
  }
  // Of those that begin together the one that was named first comes first.
  std::ranges::sort(waiting_, [](const waiting& a, const waiting& b) {
    return std::pair(b.begins, b.index) < std::pair(a.begins, a.index);
  });
  return {};
}

bool log_merge::later(const active& a, const active& b) {
  return std::tuple(b.input->clock(), b.begins, b.index) < std::tuple(a.input->clock(), a.begins, a.index);
}

// Opens what begins before the earliest request that is known.
std::expected<void, std::string> log_merge::open_due() {
  while (!waiting_.empty()) {
    const bool is_due = active_.empty() || waiting_.back().begins <= active_.front().input->clock();
    if (!is_due) return {};
    if (active_.size() == max_open_inputs) {
      crowded_ = true;
      return {};
    }
    waiting next = std::move(waiting_.back());
    waiting_.pop_back();
    active made{.index = next.index, .begins = next.begins, .input = std::move(next.opened)};
    if (!made.input) {
      made.input = std::make_unique<log_input>(paths_[made.index], *formats_);
      if (const auto opened = made.input->open(); !opened) return std::unexpected(opened.error());
    }
    if (made.input->head() == nullptr) {
      if (const auto closed = close(std::move(made)); !closed) return closed;
      continue;
    }
    active_.push_back(std::move(made));
    std::ranges::push_heap(active_, later);
  }
  return {};
}

void log_merge::look_at(const std::string& path, const log_input& input, const model::log_source& source) {
  facts_.set_aside += input.set_aside();
  if (source.kept > 0) {
    const std::uint8_t digits = input.fraction_digits();
    facts_.fewest_digits = has_digits_ ? std::min(facts_.fewest_digits, digits) : digits;
    has_digits_ = true;
  }
  const detected_format& found = input.detected();
  const bool doubtful = found.understood < found.tried || input.by_format().size() > 1;
  if (!doubtful || source.kept == 0 || facts_.doubts.size() == most_doubts) return;
  std::string text = fmt::format("{}: taken for {} by {} of its first {} lines ({:.0f} %)", name_of(path), found.name,
                                 found.understood, found.tried, 100 * found.confidence());
  if (!found.runner_up.empty()) text += fmt::format(", {} by {}", found.runner_up, found.runner_up_understood);
  if (input.by_format().size() > 1) {
    text += "; lines by format:";
    for (const auto& [name, count] : input.by_format()) text += fmt::format(" {} {}", name, count);
  }
  facts_.doubts.push_back(std::move(text));
}

std::expected<void, std::string> log_merge::close(active ended) {
  auto source = ended.input->finish();
  if (!source) return std::unexpected(source.error());
  look_at(paths_[ended.index], *ended.input, *source);
  sources_[ended.index] = std::move(*source);
  return {};
}

std::expected<const access_line*, std::string> log_merge::next() {
  if (was_handed_out_) {
    was_handed_out_ = false;
    if (active_.size() > 1) std::ranges::pop_heap(active_, later);
    active& last = active_.back();
    if (const auto advanced = last.input->advance(); !advanced) return std::unexpected(advanced.error());
    if (last.input->head() != nullptr) {
      if (active_.size() > 1) std::ranges::push_heap(active_, later);
    } else {
      active ended = std::move(active_.back());
      active_.pop_back();
      if (const auto closed = close(std::move(ended)); !closed) return std::unexpected(closed.error());
    }
  }
  if (const auto opened = open_due(); !opened) return std::unexpected(opened.error());
  if (active_.empty()) return nullptr;
  was_handed_out_ = true;
  return active_.front().input->head();
}

}  // namespace assay::learn
