#include "lab/inside/blocking_sites.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lab/inside/event_joiner.hpp"

namespace assay::inside {

std::string named_peer(const std::string& peer, const std::map<std::uint16_t, std::string>& port_names) {
  const auto colon = peer.rfind(':');
  if (colon == std::string::npos) return peer;
  std::uint16_t port = 0;
  const char* end = peer.data() + peer.size();
  const auto parsed = std::from_chars(peer.data() + colon + 1, end, port);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return peer;
  const auto found = port_names.find(port);
  return found == port_names.end() ? peer : fmt::format("{} ({})", found->second, peer);
}

// Long ones are what stalls are made of: those must be found again.
void blocking_sites::sum_up_the_shorter_half() {
  const auto half = calls_.begin() + static_cast<std::ptrdiff_t>(calls_.size() / 2);
  std::ranges::nth_element(calls_, half, std::ranges::greater{}, &call::length_ns);
  for (auto one = half; one != calls_.end(); ++one) {
    sum& into = sites_[one->site].shorter;
    ++into.count;
    into.total_ns += one->length_ns;
    into.longest_ns = std::max(into.longest_ns, one->length_ns);
    into.first_ns = std::min(into.first_ns, one->start_ns);
    into.last_ns = std::max(into.last_ns, one->start_ns);
    ++summed_;
    add_to_thread(*one);
  }
  calls_.erase(half, calls_.end());
}

void blocking_sites::add_to_thread(const call& one) {
  if (sites_[one.site].call == computing_call) return;
  const std::pair thread(one.pid, one.tid);
  if (summed_ns_.size() < most_summed_threads || summed_ns_.contains(thread)) summed_ns_[thread] += one.length_ns;
}

void blocking_sites::add(std::uint32_t pid, const blocking_event& event) {
  const std::string peer = named_peer(event.peer, port_names_);
  const std::vector<std::string> key{event.call, peer, event.place};
  auto found = index_.find(key);
  if (found == index_.end()) {
    if (sites_.size() >= most_sites) {
      ++dropped_;
      return;
    }
    found = index_.emplace(key, sites_.size()).first;
    sites_.push_back({event.call, peer, event.place, event.stack});
  }
  if (calls_.size() >= most_calls) sum_up_the_shorter_half();
  calls_.push_back({found->second, pid, event.tid, event.start_ns, event.length_ns});
}

std::vector<model::blocking_site> blocking_sites::sites(std::uint64_t begin_ns, std::uint64_t end_ns,
                                                        std::uint64_t origin_ns) const {
  std::vector<model::blocking_site> result;
  result.reserve(sites_.size());
  for (const auto& [call, peer, place, stack, shorter] : sites_) {
    auto& made = result.emplace_back(
        model::blocking_site{.call = call, .peer = peer, .place = place, .stack = stack, .at_s = {}});
    if (shorter.count == 0 || shorter.last_ns < begin_ns || shorter.first_ns >= end_ns) continue;
    made.count = shorter.count;
    made.total_ms = static_cast<double>(shorter.total_ns) / 1e6;
    made.longest_ms = static_cast<double>(shorter.longest_ns) / 1e6;
  }
  auto longest_first = calls_;
  std::ranges::sort(longest_first, std::ranges::greater{}, &call::length_ns);
  for (const auto& one : longest_first) {
    if (one.start_ns < begin_ns || one.start_ns >= end_ns) continue;
    auto& into = result[one.site];
    const double length_ms = static_cast<double>(one.length_ns) / 1e6;
    ++into.count;
    into.total_ms += length_ms;
    into.longest_ms = std::max(into.longest_ms, length_ms);
    if (into.at_s.size() < most_moments) {
      into.at_s.push_back((static_cast<double>(one.start_ns) - static_cast<double>(origin_ns)) / 1e9);
    }
  }
  std::erase_if(result, [](const model::blocking_site& one) { return one.count == 0; });
  std::ranges::sort(result, std::ranges::greater{}, &model::blocking_site::total_ms);
  for (auto& one : result) std::ranges::sort(one.at_s);
  return result;
}

std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<blocking_sites::stretch>> blocking_sites::by_thread()
    const {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<stretch>> threads;
  for (const auto& one : calls_) {
    threads[{one.pid, one.tid}].push_back({one.start_ns, one.length_ns, sites_[one.site].call == computing_call});
  }
  for (auto& [thread, stretches] : threads) std::ranges::sort(stretches, {}, &stretch::start_ns);
  return threads;
}

double blocking_sites::summed_s(std::uint32_t pid, std::uint32_t tid) const {
  const auto found = summed_ns_.find({pid, tid});
  return found == summed_ns_.end() ? 0 : static_cast<double>(found->second) / 1e9;
}

std::string blocking_sites::cause_of(std::uint32_t pid, std::uint32_t tid, std::uint64_t start_ns,
                                     std::uint64_t end_ns) const {
  struct share {
    std::uint64_t count = 0;
    std::uint64_t length_ns = 0;
  };
  std::map<std::size_t, share> shares;
  for (const auto& one : calls_) {
    if (one.pid != pid || one.tid != tid || one.start_ns < start_ns || one.start_ns >= end_ns) continue;
    auto& of_site = shares[one.site];
    ++of_site.count;
    of_site.length_ns += one.length_ns;
  }
  const auto most = std::ranges::max_element(shares, {}, [](const auto& each) { return each.second.length_ns; });
  if (most == shares.end() || most->second.length_ns < (end_ns - start_ns) / 2) return {};
  const auto& [call, peer, place, stack, shorter] = sites_[most->first];
  const auto times = most->second.count > 1 ? fmt::format(", {} times", most->second.count) : std::string();
  return fmt::format("{}{}{}{}{}{}", call, peer.empty() ? "" : ", ", peer, place.empty() ? "" : " at ", place, times);
}

}  // namespace assay::inside
