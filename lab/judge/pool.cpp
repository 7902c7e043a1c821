#include "lab/judge/pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

namespace assay::judge {
namespace {

constexpr unsigned least_pool_looks = 12;  // with requests in flight
constexpr double steady_share = 0.8;       // of them, in which the pool has its usual size
constexpr double exhausted_share = 0.6;    // of them, in which all of it waits and requests queue
constexpr double least_queue = 2;          // requests, on average while it is exhausted
constexpr double queue_share_of_pool = 0.5;

struct pool_history {
  std::map<unsigned, unsigned> sizes;  // connections → looks
  std::map<unsigned, unsigned> exhausted;
  double queued = 0;
};

unsigned usual_size(const pool_history& of) {
  const auto most = std::ranges::max_element(of.sizes, {}, [](const auto& each) { return each.second; });
  return most == of.sizes.end() ? 0 : most->first;
}

model::named_cause finding_of(const std::string& peer, unsigned size, double share, double queue) {
  model::named_cause made{.kind = model::cause::pool_exhausted, .peer = peer};
  made.text = fmt::format(
      "all {} connections to {} waited for answers in {:.0f} % of the looks under load, while {:.1f} "
      "requests queued on average",
      size, peer, 100 * share, queue);
  made.numbers = {
      {"pool_connections", static_cast<double>(size)}, {"exhausted_share", share}, {"queued_requests", queue}};
  made.next = "Make the pool larger, by rate times time per query over 0.7, or the queries shorter.";
  return made;
}

}  // namespace

void add_exhausted_pools(std::vector<model::named_cause>& to, std::span<const model::connection_look> looks) {
  std::map<std::string, pool_history> pools;
  unsigned loaded = 0;
  for (const auto& look : looks) {
    if (look.in_flight == 0) continue;
    ++loaded;
    unsigned waiting = 0;
    for (const auto& each : look.outgoing) waiting += each.waiting;
    for (const auto& each : look.outgoing) {
      if (each.open == 0) continue;  // on its way, or closed by the peer
      auto& of = pools[each.peer];
      ++of.sizes[each.open];
      if (each.waiting < each.open || look.in_flight <= waiting) continue;
      ++of.exhausted[each.open];
      of.queued += look.in_flight - waiting;
    }
  }
  if (loaded < least_pool_looks) return;
  for (const auto& [peer, of] : pools) {
    const unsigned size = usual_size(of);
    const auto exhausted = of.exhausted.find(size);
    if (of.sizes.at(size) < steady_share * loaded || exhausted == of.exhausted.end()) continue;
    unsigned times = 0;
    for (const auto& [any, count] : of.exhausted) times += count;
    const double share = static_cast<double>(exhausted->second) / loaded;
    const double queue = of.queued / times;
    if (share < exhausted_share || queue < std::max(least_queue, queue_share_of_pool * size)) continue;
    to.push_back(finding_of(peer, size, share, queue));
  }
}

}  // namespace assay::judge
