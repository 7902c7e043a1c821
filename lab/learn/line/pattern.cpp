#include "lab/learn/line/pattern.hpp"

#include <optional>

#include "lab/learn/line/text.hpp"

namespace assay::learn {
namespace {

constexpr std::size_t longest_head = 160;  // of a syslog line

// Where the field ends that `rest` begins with; npos when the literal behind it is missing.
std::size_t field_end(const pattern_step& step, std::string_view rest) {
  if (step.after.empty()) return rest.size();
  if (step.after.front() == '"') {
    std::size_t end = find_quote(rest, 0);
    while (end != std::string_view::npos && !rest.substr(end).starts_with(step.after)) end = find_quote(rest, end + 1);
    return end;
  }
  std::size_t end = rest.find(step.after);
  while (step.is_list && end != std::string_view::npos && end > 0) {
    const bool goes_on = rest[end - 1] == ',' || rest[end - 1] == ':' || rest.substr(end).starts_with(" : ");
    if (!goes_on) break;
    end = rest.find(step.after, end + 1);
  }
  return end;
}

class pattern_parser : public line_parser {
 public:
  pattern_parser(std::string name, line_pattern pattern) : name_(std::move(name)), pattern_(std::move(pattern)) {}

  std::string_view name() const override { return name_; }

  std::expected<access_line, line_fault> parse(std::string_view line) override {
    if (const auto sound = check_line(line); !sound) return std::unexpected(sound.error());
    if (!pattern_.behind.empty()) {
      const std::size_t head = line.substr(0, longest_head).find(pattern_.behind);
      if (head != std::string_view::npos) line.remove_prefix(head + pattern_.behind.size());
    }
    if (!line.starts_with(pattern_.before)) return std::unexpected(line_fault::no_match);
    line.remove_prefix(pattern_.before.size());
    builder_.begin(pattern_.stamp_is);
    for (const pattern_step& step : pattern_.steps) {
      const std::size_t end = field_end(step, line);
      if (end == std::string_view::npos) return std::unexpected(line_fault::no_match);
      if (const auto set = builder_.set(step.what, line.substr(0, end)); !set) return std::unexpected(set.error());
      line.remove_prefix(end + step.after.size());
    }
    if (!line.empty() && !(pattern_.open_end && line.starts_with(' '))) return std::unexpected(line_fault::no_match);
    return builder_.finish();
  }

 private:
  std::string name_;
  line_pattern pattern_;
  line_builder builder_;
};

}  // namespace

std::expected<void, line_fault> check_line(std::string_view line) {
  if (line.size() > max_line_bytes) return std::unexpected(line_fault::too_long);
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return std::unexpected(line_fault::empty);
  if (line.find('\0') != std::string_view::npos) return std::unexpected(line_fault::nul_byte);
  return {};
}

parser_pointer make_pattern_parser(std::string name, line_pattern pattern) {
  return std::make_unique<pattern_parser>(std::move(name), std::move(pattern));
}

}  // namespace assay::learn
