#include "stack/guard/access_log/endpoints.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "stack/net/address.hpp"
#include "stack/observe/exposition.hpp"
#include "stack/observe/live_tasks.hpp"

namespace assay::guard::access_log {
namespace {

task<http::response> show_metrics(const observe::registry& of, http::request& asked) {
  const auto format = observe::negotiated(asked.head().headers.find("accept").value_or(std::string_view()));
  http::response reply;
  reply.headers.emplace_back("content-type", observe::content_type(format));
  reply.body = observe::expose(of, format);
  co_return reply;
}

std::string tasks_within(duration limit) { return observe::to_text(observe::collect_live_tasks(limit)); }

// On the pool, because it waits for this loop as well.
task<http::response> show_tasks(offload_pool& on, duration limit) {
  result<std::string> text = co_await on.run([limit] { return tasks_within(limit); });
  if (!text) co_return http::response::from(text.error());
  co_return http::response::text(std::move(*text));
}

}  // namespace

http::handler metrics_endpoint(const observe::registry& of) {
  return [&of] ASSAY_CORO_WRAPPER(http::request & asked) { return show_metrics(of, asked); };
}

http::handler tasks_endpoint(offload_pool& on, duration limit) {
  return [&on, limit] ASSAY_CORO_WRAPPER(http::request&) { return show_tasks(on, limit); };
}

bool is_from_this_host(const http::request& asked) {
  constexpr std::array passed_on = {"forwarded", "x-forwarded-for", "via"};
  const auto& fields = asked.head().headers;
  if (std::ranges::any_of(passed_on, [&fields](const char* name) { return fields.count(name) > 0; })) return false;
  return net::is_loopback(asked.peer());
}

}  // namespace assay::guard::access_log
