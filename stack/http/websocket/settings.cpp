#include "stack/http/websocket/settings.hpp"

#include <string_view>

namespace assay::websocket {
namespace {

struct found {
  std::string lines;

  void expect(bool fits, std::string_view what, std::string_view allowed) {
    if (fits) return;
    if (!lines.empty()) lines += '\n';
    lines.append("websocket.").append(what).append(" is out of range; allowed: ").append(allowed);
  }
  void number(std::uint64_t given, std::string_view what, std::uint64_t least, std::uint64_t most) {
    expect(given >= least && given <= most, what, std::to_string(least) + " to " + std::to_string(most));
  }
  void span(duration given, std::string_view what) {
    expect(given >= std::chrono::milliseconds(1) && given <= std::chrono::hours(24 * 365), what, "1 ms to 1 year");
  }
};

}  // namespace

std::expected<void, std::string> check(const settings& given) {
  constexpr std::uint64_t most_bytes = 1ULL << 31;  // what zlib counts in
  found wrong;
  wrong.number(given.messages.max_frame_bytes, "messages.max_frame_bytes", max_control_bytes, most_bytes);
  wrong.number(given.messages.max_message_bytes, "messages.max_message_bytes", 1, most_bytes);
  wrong.number(static_cast<std::uint64_t>(given.deflate.max_window_bits), "deflate.max_window_bits",
               least_deflate_window_bits, 15);
  wrong.number(static_cast<std::uint64_t>(given.deflate.level), "deflate.level", 1, 9);
  wrong.number(given.deflate.least_bytes, "deflate.least_bytes", 1, most_bytes);
  wrong.number(given.max_queued_bytes, "max_queued_bytes", 1024, most_bytes);
  wrong.number(given.max_queued_messages, "max_queued_messages", 1, 1'000'000);
  wrong.expect(may_be_sent(given.slow_code), "slow_code", "1000 to 4999 without what is never sent");
  wrong.span(given.write_timeout, "write_timeout");
  wrong.span(given.message_timeout, "message_timeout");
  wrong.span(given.ping_interval, "ping_interval");
  wrong.span(given.pong_timeout, "pong_timeout");
  wrong.span(given.idle_timeout, "idle_timeout");
  wrong.span(given.close_timeout, "close_timeout");
  if (!wrong.lines.empty()) return std::unexpected(std::move(wrong.lines));
  return {};
}

}  // namespace assay::websocket
