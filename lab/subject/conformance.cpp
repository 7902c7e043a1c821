#include "lab/subject/conformance.hpp"

#include <fmt/format.h>

#include "lab/subject/answer.hpp"
#include "stack/http/client.hpp"
#include "stack/net/address.hpp"

namespace assay::subject {
namespace {

// A candidate that has died or hangs would take the limit of every check left.
constexpr unsigned max_unanswered = 3;

task<void> run(const std::vector<conformance_check>& checks, const conformance_target& at, socket_address address,
               std::vector<check_result>& results) {
  const context& ctx = co_await this_context();
  http::client_limits limits;
  limits.max_connections = 1;
  unsigned unanswered = 0;
  for (const conformance_check& check : checks) {
    if (unanswered == max_unanswered) {
      results.push_back({.name = check.name, .why = "not tried: the three checks before were not answered"});
      continue;
    }
    // On a connection of its own: a server may close one after a refused body, and a POST is not sent twice.
    http::client client({.host = net::format_address(address), .address = address}, limits);
    http::client_request request = {
        .verb = check.method, .target = check.target, .headers = check.headers, .body = check.body};
    context limited = ctx.narrowed(saturating_add(ctx.on->now(), at.limit));
    const result<http::client_response> got = co_await with_context(limited, client.send(std::move(request)));
    unanswered = got ? 0 : unanswered + 1;
    const std::string why = got ? compare(check, *got) : fmt::format("no answer: {}", describe(got.error()));
    results.push_back({.name = check.name, .passed = why.empty(), .why = why});
  }
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
  on.run(run(checks, at, *address, results));
  return results;
}

}  // namespace assay::subject
