#include "stack/net/connect.hpp"

#include <algorithm>

namespace assay::net {

instant share_of_time(instant now, instant limit, std::size_t left) {
  if (limit == never || limit <= now || left <= 1) return limit;
  return now + (limit - now) / static_cast<duration::rep>(left);
}

task<result<stream>> connect_any(socket_address first, std::span<const socket_address> others, instant limit) {
  const context& ctx = co_await this_context();
  const instant end = std::min(limit, ctx.deadline);
  result<stream> opened = co_await connect(first, share_of_time(ctx.on->turn_time(), end, others.size() + 1));
  for (std::size_t tried = 0; tried < others.size() && !opened; ++tried) {
    const instant now = ctx.on->turn_time();
    if (ctx.cancel->cancelled() || now >= end) break;
    opened = co_await connect(others[tried], share_of_time(now, end, others.size() - tried));
  }
  co_return opened;
}

}  // namespace assay::net
