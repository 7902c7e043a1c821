#include "lab/subject/conformance.hpp"

#include <fmt/format.h>

#include "lab/subject/answer.hpp"
#include "stack/http/client.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::subject {
namespace {

// A candidate that has died or hangs would take the limit of every check left.
constexpr unsigned max_unanswered = 3;
// How soon an interruption is seen while an answer is waited for.
constexpr duration look_interval = std::chrono::milliseconds(20);

struct work {
  const std::vector<conformance_check>& checks;
  const conformance_target& at;
  socket_address address;
  std::vector<check_result>& results;
};

task<result<http::client_response>> ask(const work& of, const conformance_check& check) {
  http::client_limits limits;
  limits.max_connections = 1;
  // On a connection of its own: a server may close one after a refused body, and a POST is not sent twice.
  http::client client({.host = net::format_address(of.address), .address = of.address}, limits);
  co_return co_await client.send(
      {.verb = check.method, .target = check.target, .headers = check.headers, .body = check.body});
}

task<result<void>> try_all(work& of, scope& both) {
  const context& ctx = co_await this_context();
  unsigned unanswered = 0;
  std::string not_tried;
  for (const conformance_check& check : of.checks) {
    if (of.at.interrupted && of.at.interrupted()) not_tried = "not tried: interrupted";
    if (unanswered == max_unanswered) not_tried = "not tried: the three checks before were not answered";
    if (!not_tried.empty()) {
      of.results.push_back({.name = check.name, .why = not_tried});
      continue;
    }
    context limited = ctx.narrowed(saturating_add(ctx.on->now(), of.at.limit));
    const result<http::client_response> got = co_await with_context(limited, ask(of, check));
    unanswered = got ? 0 : unanswered + 1;
    const std::string why = got ? compare(check, *got) : fmt::format("no answer: {}", describe(got.error()));
    of.results.push_back({.name = check.name, .passed = why.empty(), .why = why});
  }
  both.cancel(cancel_reason::user);
  co_return result<void>{};
}

task<result<void>> watch(const work& of, scope& both) {
  while (!of.at.interrupted()) {
    if (!co_await delay_for(look_interval)) co_return result<void>{};
  }
  both.cancel(cancel_reason::user);
  co_return result<void>{};
}

task<void> run(work& of) {
  context& ctx = co_await this_context();
  scope both(ctx);
  both.spawn(try_all(of, both));
  if (of.at.interrupted) both.spawn(watch(of, both));
  std::ignore = co_await both.join();  // the end of the checks ends the watch
}

}  // namespace

std::vector<check_result> run_checks(const std::vector<conformance_check>& checks, const conformance_target& at) {
  std::vector<check_result> results;
  const result<socket_address> address = net::parse_address(at.host, at.port);
  result<std::unique_ptr<io>> backend = make_io();
  if (!address || !backend) {
    const std::string why = describe(!address ? address.error() : backend.error());
    for (const conformance_check& check : checks) results.push_back({.name = check.name, .why = why});
    return results;
  }
  loop on(std::move(*backend));
  work of{.checks = checks, .at = at, .address = *address, .results = results};
  on.run(run(of));
  return results;
}

}  // namespace assay::subject
