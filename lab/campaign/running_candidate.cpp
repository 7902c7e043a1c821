#include "lab/campaign/running_candidate.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>

#include "lab/load/options.hpp"
#include "lab/plan/read.hpp"
#include "lab/subject/readiness.hpp"
#include "stack/net/address.hpp"
#include "stack/net/resolver.hpp"
#include "stack/runtime/loop.hpp"

namespace assay::campaign {
namespace {

constexpr duration resolve_limit = std::chrono::seconds(10);

using addresses = result<std::vector<socket_address>>;

task<addresses> look_up(loop* on, offload_pool* pool, const load::load_plan* what) {
  co_return co_await with_deadline(on->now() + resolve_limit, net::resolve(*pool, what->host, what->port));
}

std::expected<load::load_plan, std::string> parse(const std::string& url) {
  load::load_options asked;
  asked.url = url;
  return load::normalize(std::move(asked));
}

// HOST:PORT with a numeric IPv4 host, which readiness, checks and load all take.
std::expected<std::string, std::string> numeric(const load::load_plan& what) {
  result<std::unique_ptr<io>> backend = make_io({.kind = io_kind::epoll, .ring_entries = 64, .buffer_count = 8});
  if (!backend) return std::unexpected(describe(backend.error()));
  loop on(std::move(*backend));
  offload_pool pool({.threads = 1, .max_queued = 1});
  const addresses found = on.run(look_up(&on, &pool, &what));
  if (!found) return std::unexpected(fmt::format("cannot resolve \"{}\": {}", what.host, describe(found.error())));
  for (const socket_address& each : *found) {
    if (each.storage.ss_family == AF_INET) return net::format_address(each);
  }
  return std::unexpected(fmt::format("\"{}\" has no IPv4 address, which a candidate needs", what.host));
}

}  // namespace

std::expected<model::candidate, std::string> running_candidate(std::string_view name_and_url) {
  auto made = plan::candidate_at_url(name_and_url);
  if (!made) return made;
  const auto refuse = [&](const std::string& why) {
    return std::unexpected(fmt::format("{}={}: {}", made->name, made->url, why));
  };
  const auto parsed = parse(made->url);
  if (!parsed) return refuse(parsed.error());
  std::string_view place = std::string_view(made->url).substr(std::string_view("http://").size());
  if (place.ends_with('/')) place.remove_suffix(1);
  if (place != parsed->authority) return refuse("expected NAME=http://HOST:PORT; the paths are the log's");
  const auto address = numeric(*parsed);
  if (!address) return refuse(address.error());
  made->title = fmt::format("{} (http://{})", made->name, place);
  made->url = "http://" + *address;
  return made;
}

std::expected<void, std::string> check_reachable(const model::candidate& candidate, std::chrono::nanoseconds limit) {
  const auto parsed = parse(candidate.url);
  if (!parsed) return std::unexpected(fmt::format("{}: {}", candidate.name, parsed.error()));
  const auto ready = subject::wait_until_ready(
      {.host = parsed->host, .port = parsed->port, .path = candidate.ready_path, .timeout = limit});
  if (ready) return {};
  return std::unexpected(fmt::format("{}={}: {}", candidate.name, candidate.url, ready.error()));
}

std::string running_candidates_fact(const model::plan& plan) {
  std::string names;
  for (const model::candidate& each : plan.candidates) {
    if (!each.url.empty()) names += (names.empty() ? "" : ", ") + each.name;
  }
  if (names.empty()) return {};
  return names +
         ": not started by assay, so a repeat is no fresh process, and loop lag, blocking calls, CPU and memory are "
         "not "
         "seen";
}

}  // namespace assay::campaign
