#include "lab/subject/readiness.hpp"

#include <fmt/format.h>

#include "lab/subject/environment.hpp"
#include "stack/http/client.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::subject {
namespace {

using namespace std::chrono_literals;

constexpr duration interval = 20ms;
// One attempt; a service that has not answered by then is asked anew.
constexpr duration attempt_limit = 5s;
// One that was cut short tells something if it had lasted for so long.
constexpr duration telling_length = 500ms;
constexpr std::size_t max_shown_bytes = 200;

struct attempts {
  const readiness_check& check;
  http::origin to;
  instant started{};
  instant until{};
  std::optional<double> ready_s = {};
  std::optional<exit_report> ended = {};
  std::string last = {};  // what the latest attempt met
};

std::string meaning(const attempts& of, const result<http::client_response>& got) {
  const std::string asked = "GET " + of.check.path;
  if (got) {
    return fmt::format("it answers {} with {}, not 200: {}", asked, got->status, got->body.substr(0, max_shown_bytes));
  }
  switch (got.error().code) {
    case errc::refused:
      return fmt::format("it refuses connections to {}", of.to.host);
    case errc::timed_out:
    case errc::cancelled:
      if (got.error().what != std::string_view("connect"))
        return fmt::format("it accepts connections to {} and never answers {}", of.to.host, asked);
      return fmt::format("connections to {} are not accepted", of.to.host);
    case errc::closed:
    case errc::reset:
      return fmt::format("it closes connections to {} without an answer to {}", of.to.host, asked);
    default:
      return fmt::format("{} fails: {}", asked, describe(got.error()));
  }
}

task<result<http::client_response>> ask(attempts& of) {
  // A client for each attempt: its connection is closed with it, and keeps no worker of the service busy.
  http::client_limits limits;
  limits.max_connections = 1;
  http::client client(of.to, limits);
  co_return co_await client.send({.target = of.check.path});
}

task<result<void>> poll(attempts& of, scope& both) {
  const context& ctx = co_await this_context();
  while (true) {
    const instant begun = ctx.on->now();
    context inner = ctx.narrowed(std::min(of.until, saturating_add(ctx.on->now(), attempt_limit)));
    const result<http::client_response> got = co_await with_context(inner, ask(of));
    if (ctx.cancel->cancelled()) break;
    if (got && got->status == 200) {
      of.ready_s = std::chrono::duration<double>(ctx.on->now() - of.started).count();
      break;
    }
    // Cut short by the end of the wait it says nothing, unless it was the only attempt or a long one.
    const bool lasted = ctx.on->now() - begun >= telling_length;
    if (of.last.empty() || lasted || ctx.on->now() < of.until) of.last = meaning(of, got);
    if (ctx.on->now() >= of.until) break;
    std::ignore = co_await delay_until(std::min(of.until, saturating_add(ctx.on->now(), interval)));
  }
  both.cancel(cancel_reason::user);
  co_return result<void>{};
}

task<result<void>> watch(attempts& of, scope& both) {
  while (of.check.ended && !(of.ended = of.check.ended())) {
    if (!co_await delay_for(interval)) co_return result<void>{};
  }
  if (of.ended) both.cancel(cancel_reason::user);
  co_return result<void>{};
}

task<void> run(attempts& of) {
  context& ctx = co_await this_context();
  of.started = ctx.on->now();
  of.until = saturating_add(of.started, of.check.timeout);
  scope both(ctx);
  both.spawn(poll(of, both));
  both.spawn(watch(of, both));
  std::ignore = co_await both.join();  // both end when one of them has found out
}

}  // namespace

std::expected<double, std::string> wait_until_ready(const readiness_check& check) {
  const result<socket_address> address = net::parse_address(check.host, check.port);
  if (!address) return std::unexpected(fmt::format("{} is no numeric address", check.host));
  result<std::unique_ptr<io>> backend = make_io();
  if (!backend) return std::unexpected(describe(backend.error()));
  loop on(std::move(*backend));
  attempts of{.check = check, .to = {.host = net::format_address(*address), .address = *address}};
  on.run(run(of));
  if (of.ready_s) return *of.ready_s;
  std::string why =
      of.ended ? fmt::format("it {} before it was ready", describe(*of.ended))
               : fmt::format("not ready after {} s: {}", std::chrono::duration<double>(check.timeout).count(), of.last);
  const std::string tail = check.log.empty() ? std::string() : last_lines(check.log);
  if (!tail.empty()) why += "; last lines of its log:\n" + tail;
  return std::unexpected(why);
}

}  // namespace assay::subject
