#include "stack/guard/options.hpp"

#include <algorithm>

namespace assay::guard {

using namespace std::chrono_literals;

option_check& option_check::that(bool fits, std::string_view name, std::string_view given, std::string_view allowed) {
  if (fits) return *this;
  std::string line = policy_;
  line.append(".").append(name).append(" is ").append(given).append("; allowed: ").append(allowed);
  add(line);
  return *this;
}

option_check& option_check::also(const checked& other) {
  if (!other) add(other.error());
  return *this;
}

void option_check::add(std::string_view line) {
  if (!lines_.empty()) lines_ += '\n';
  lines_ += line;
}

checked option_check::outcome() const {
  if (lines_.empty()) return {};
  return std::unexpected(lines_);
}

option_check& option_check::number(std::string_view name, std::uint64_t given, std::uint64_t least,
                                   std::uint64_t most) {
  return that(least <= given && given <= most, name, std::to_string(given),
              std::to_string(least) + " to " + std::to_string(most));
}

option_check& option_check::span(std::string_view name, duration given, duration least, duration most) {
  return that(least <= given && given <= most, name, to_text(given), to_text(least) + " to " + to_text(most));
}

std::string to_text(duration span) {
  if (span % 1s == 0s) return std::to_string(span / 1s) + " s";
  if (span % 1ms == 0ms) return std::to_string(span / 1ms) + " ms";
  if (span % 1us == 0us) return std::to_string(span / 1us) + " us";
  return std::to_string(span.count()) + " ns";
}

std::uint64_t retry_after_seconds(duration span) {
  const auto whole = std::chrono::ceil<std::chrono::seconds>(std::max(span, duration::zero())).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(whole, 1));
}

}  // namespace assay::guard
