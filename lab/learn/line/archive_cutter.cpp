#include "lab/learn/line/archive_cutter.hpp"

#include <algorithm>

namespace assay::learn {
namespace {

constexpr std::size_t log_depth = 2;      // of the members of "log"
constexpr std::size_t entries_depth = 3;  // of what the list "entries" holds
constexpr std::string_view entries = "entries";

}  // namespace

bool begins_archive(std::string_view text) {
  for (const std::string_view part :
       {std::string_view("{"), std::string_view("\"log\""), std::string_view(":"), std::string_view("{")}) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    if (!text.starts_with(part)) return false;
    text.remove_prefix(part.size());
  }
  return true;
}

void archive_cutter::step_text(char c) {
  const bool ends = c == '"' && !escaped_;
  escaped_ = c == '\\' && !escaped_;
  if (collects_ && (!cuts_ || ends) && text_begins_ <= max_entry_bytes) entry_ += c;
  if (depth_ == log_depth && !ends && key_.size() <= entries.size()) key_ += c;
  if (collects_ && !cuts_ && entry_.size() - text_begins_ > max_entry_text_bytes) {
    entry_.resize(text_begins_);
    cuts_ = true;
    if (ends) entry_ += c;
  }
  if (ends) in_text_ = cuts_ = false;
}

// True at the end of an entry.
bool archive_cutter::step(char c) {
  if (in_text_) {
    step_text(c);
    return false;
  }
  if (c == '{' && in_entries_ && depth_ == entries_depth) {
    collects_ = true;
    entry_.clear();
  }
  // One byte too many tells that an entry is too long.
  if (collects_ && entry_.size() <= max_entry_bytes) entry_ += c;
  switch (c) {
    case '"':
      in_text_ = true;
      text_begins_ = entry_.size();
      if (depth_ == log_depth) key_.clear();
      return false;
    case '{':
    case '[':
      if (c == '[' && depth_ == log_depth && key_ == entries) in_entries_ = true;
      ++depth_;
      return false;
    case '}':
    case ']':
      if (depth_ > 0) --depth_;
      if (depth_ < entries_depth) in_entries_ = false;
      if (!collects_ || depth_ > entries_depth) return false;
      collects_ = false;
      return true;
    default:
      return false;
  }
}

bool archive_cutter::feed(std::string_view& bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (!step(bytes[i])) continue;
    bytes.remove_prefix(i + 1);
    return true;
  }
  bytes = {};
  return false;
}

}  // namespace assay::learn
