#include "lab/judge/sockets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lab/judge/growth.hpp"

namespace assay::judge {
namespace {

using model::cause;
using model::connection_look;

constexpr growth_rule unclosed_rule{.least_growth = 8, .least_share = 0.02, .blocks = block_value::least};

unsigned unclosed_at(const connection_look& look) {
  const auto found = look.states.find("CLOSE_WAIT");
  return found == look.states.end() ? 0 : found->second;
}

unsigned unclosed_to(const connection_look& look, const std::string& peer) {
  const auto found = std::ranges::find(look.outgoing, peer, &model::peer_connections::peer);
  return found == look.outgoing.end() ? 0 : found->close_wait;
}

// Whose number rose most; empty when it was the service's own clients'.
std::string peer_of(std::span<const connection_look> looks) {
  std::string most;
  std::int64_t most_risen = static_cast<std::int64_t>(unclosed_at(looks.back())) - unclosed_at(looks.front());
  for (const model::peer_connections& each : looks.back().outgoing) most_risen -= each.close_wait;
  for (const model::peer_connections& each : looks.back().outgoing) {
    const auto risen = static_cast<std::int64_t>(each.close_wait) - unclosed_to(looks.front(), each.peer);
    if (risen <= most_risen) continue;
    most_risen = risen;
    most = each.peer;
  }
  return most;
}

}  // namespace

void add_full_accept_queue(model::diagnosis& to, std::span<const connection_look> looks) {
  std::size_t loaded = 0;
  std::size_t full = 0;
  unsigned limit = 0;
  for (const connection_look& each : looks) {
    loaded += each.in_flight > 0 || each.accept_queue > 0;
    if (each.accept_limit == 0 || each.accept_queue < each.accept_limit) continue;
    ++full;
    limit = each.accept_limit;
  }
  if (full < full_least_looks || static_cast<double>(full) < full_share * static_cast<double>(loaded)) return;
  std::string text = fmt::format(
      "the queue of connections that wait to be accepted was full, at {}, in {} of {} looks under load: the loop does "
      "not come to accept them, and clients wait a second or more to connect",
      limit, full, loaded);
  if (!to.findings.empty()) {
    to.remarks.push_back(std::move(text));
    return;
  }
  model::named_cause made{.kind = cause::accept_queue_full, .text = std::move(text)};
  made.numbers = {{"full_share", static_cast<double>(full) / static_cast<double>(loaded)},
                  {"limit_connections", static_cast<double>(limit)}};
  made.next = "Accept more a turn, keep connections alive, and raise the backlog of listen() and net.core.somaxconn.";
  to.findings.push_back(std::move(made));
}

void add_unclosed(model::diagnosis& to, std::span<const connection_look> looks) {
  if (looks.empty()) return;
  std::vector<double> at_s;
  std::vector<double> counts;
  for (const connection_look& each : looks) {
    at_s.push_back(each.at_s);
    counts.push_back(unclosed_at(each));
  }
  const growth seen = judge_growth(at_s, counts, unclosed_rule);
  if (seen.shape != growth_shape::unbounded) return;
  const std::string peer = peer_of(looks);
  const unsigned last = unclosed_at(looks.back());
  const auto leak = std::ranges::find(to.findings, cause::socket_leak, &model::named_cause::kind);
  if (leak != to.findings.end()) {
    leak->peer = peer;
    leak->text += fmt::format("; {} are in CLOSE_WAIT{}{}: the other side has closed them, the service has not", last,
                              peer.empty() ? "" : " to ", peer);
    leak->numbers.push_back({"close_wait", static_cast<double>(last)});
    return;
  }
  model::named_cause made{.kind = cause::socket_leak, .peer = peer};
  made.text = fmt::format(
      "connections{}{} that the other side has closed and the service has not (CLOSE_WAIT) grew by {:.0f} to {} in "
      "{:.0f} s, without an end",
      peer.empty() ? "" : " to ", peer, seen.grown, last, seen.judged_s);
  made.numbers = {{"slope_count_per_hour", seen.slope_per_s.value * 3600}, {"close_wait", static_cast<double>(last)}};
  made.next =
      "Close each connection whose peer has closed: read its end, then close, or let a client with a pool do it.";
  to.findings.push_back(std::move(made));
}

}  // namespace assay::judge
