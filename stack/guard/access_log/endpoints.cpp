#include "stack/guard/access_log/endpoints.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
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

bool is_of_a_proxy(std::string_view name) {
  constexpr std::string_view family = "x-forwarded-";
  constexpr std::array<std::string_view, 3> names = {"forwarded", "via", "x-real-ip"};
  return http::equals_ignoring_case(name.substr(0, family.size()), family) ||
         std::ranges::any_of(names, [name](std::string_view each) { return http::equals_ignoring_case(name, each); });
}

// "localhost" or an address of loopback, with any port. Most proxies pass on the name that they were asked by, and a
// page in a browser on this host asks by a name of its own (DNS rebinding).
bool is_name_of_this_host(std::string_view host) {
  const bool in_brackets = host.starts_with('[');
  host = in_brackets ? host.substr(1, host.find(']') - 1) : host.substr(0, host.find(':'));
  if (http::equals_ignoring_case(host, "localhost")) return true;
  const auto address = net::parse_address(host, 0);
  return address && net::is_loopback(*address);
}

}  // namespace

http::handler metrics_endpoint(const observe::registry& of) {
  return [&of] ASSAY_CORO_WRAPPER(http::request & asked) { return show_metrics(of, asked); };
}

http::handler tasks_endpoint(offload_pool& on, duration limit) {
  return [&on, limit] ASSAY_CORO_WRAPPER(http::request&) { return show_tasks(on, limit); };
}

bool is_from_this_host(const http::request& asked) {
  const http::request_head& head = asked.head();
  if (std::ranges::any_of(head.headers, [](const auto& field) { return is_of_a_proxy(field.name); })) return false;
  return is_name_of_this_host(head.host) && net::is_loopback(asked.peer());
}

}  // namespace assay::guard::access_log
