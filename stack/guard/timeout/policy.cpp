#include "stack/guard/timeout/policy.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace assay::guard::timeout {
namespace {

using namespace std::chrono_literals;

constexpr duration longest = 24h;

}  // namespace

checked check(const options& given) { return option_check("timeout").span("limit", given.limit, 1ms, 1h).outcome(); }

std::optional<duration> parse_remaining(std::string_view value) {
  std::uint64_t whole_ms = 0;
  if (value.empty() || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), whole_ms);
  constexpr auto most_ms = static_cast<std::uint64_t>(longest / 1ms);
  if (failed != std::errc() || whole_ms > most_ms) return longest;  // only too large is left
  return std::chrono::milliseconds(whole_ms);
}

policy::policy(const options& given) : options_(given) {
  assert(check(given) && "options are checked before they are used");
}

instant policy::deadline_of(instant now, const http::header_list& fields) {
  const std::optional<std::string_view> value = fields.find(field_name);
  if (!value) return now + options_.limit;
  // Two of them are two readings.
  const std::optional<duration> remaining = fields.count(field_name) == 1 ? parse_remaining(*value) : std::nullopt;
  if (!remaining) counters_.malformed++;
  if (!remaining || *remaining >= options_.limit) return now + options_.limit;
  counters_.narrowed++;
  return now + *remaining;
}

instant policy::deadline_of_attempt(instant now, instant deadline) const {
  return std::min(deadline, now + options_.limit);
}

}  // namespace assay::guard::timeout
