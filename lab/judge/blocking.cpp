#include "lab/judge/blocking.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace assay::judge {

bool is_call(const model::blocking_site& site) { return site.call != computing_call && site.call != lack_of_cpu_call; }

std::string peer_without_port(const std::string& peer) {
  if (const auto cut = peer.find(" ("); cut != std::string::npos) return peer.substr(0, cut);
  if (peer.find('/') != std::string::npos) return peer;  // a path
  const auto colon = peer.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == peer.size()) return peer;
  const bool port = peer.find_first_not_of("0123456789", colon + 1) == std::string::npos;
  // An IPv6 address without brackets has no port.
  const bool address = peer.find(':') == colon || peer[colon - 1] == ']';
  return port && address ? peer.substr(0, colon) : peer;
}

std::vector<model::blocking_site> merge_sites(std::span<const run* const> runs) {
  std::map<std::tuple<std::string, std::string, std::string>, model::blocking_site> merged;
  for (const run* each : runs) {
    for (const model::blocking_site& site : each->blocking) {
      const std::string peer = peer_without_port(site.peer);
      model::blocking_site& to = merged[{site.call, peer, site.place}];
      if (to.count == 0 || site.longest_ms > to.longest_ms) to.stack = site.stack;
      to.call = site.call;
      to.peer = peer;
      to.place = site.place;
      to.count += site.count;
      to.total_ms += site.total_ms;
      to.longest_ms = std::max(to.longest_ms, site.longest_ms);
    }
  }
  std::vector<model::blocking_site> sites;
  for (auto& [key, site] : merged) sites.push_back(std::move(site));
  std::ranges::sort(sites, [](const model::blocking_site& a, const model::blocking_site& b) {
    if (is_call(a) != is_call(b)) return is_call(a);
    return std::tie(b.total_ms, a.call, a.peer, a.place) < std::tie(a.total_ms, b.call, b.peer, b.place);
  });
  return sites;
}

bool run_freezes(const run& of, double stall_threshold_ms) {
  double blocked_s = 0;
  for (const model::blocking_site& each : of.blocking) {
    if (is_call(each) && each.longest_ms >= stall_threshold_ms) blocked_s += each.total_ms / 1e3;
  }
  if (blocked_s <= 0 || blocked_s < freeze_share_of_load * of.loaded_s) return false;
  return !of.stalled_s || blocked_s >= freeze_share_of_stalls * *of.stalled_s;
}

bool candidate_freezes(std::span<const run* const> complete, double stall_threshold_ms) {
  const auto frozen =
      std::ranges::count_if(complete, [&](const run* each) { return run_freezes(*each, stall_threshold_ms); });
  return frozen > 0 && 2 * static_cast<std::size_t>(frozen) >= complete.size();
}

}  // namespace assay::judge
