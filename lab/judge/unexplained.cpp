#include "lab/judge/unexplained.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/judge/blocking.hpp"

namespace assay::judge {
namespace {

const model::blocking_site* busiest_place(std::span<const model::blocking_site> sites) {
  const model::blocking_site* busiest = nullptr;
  for (const auto& each : sites) {
    if (each.call != computing_call || each.place.empty() || each.longest_ms < stall_class_ms) continue;
    if (busiest == nullptr || each.total_ms > busiest->total_ms) busiest = &each;
  }
  return busiest;
}

}  // namespace

unexplained unexplained_at_large(double stalled_s, double explained_s, double longest_ms) {
  const double rest_s = std::max(0.0, stalled_s - explained_s);
  return {.all = rest_s,
          .unknown = rest_s,
          .longest_ms = longest_ms,
          .stands_out = rest_s >= unexplained_share * stalled_s};
}

unexplained unexplained_by_loop(std::span<const model::loop_stalls> loops, double least_s) {
  unexplained made{.loops = 0};
  for (const auto& each : loops) {
    const double rest_s = each.computed_s + each.waited_s + each.unknown_s;
    if (rest_s <= 0 || rest_s < least_s || rest_s < unexplained_share * each.all_s()) continue;
    made.all += rest_s;
    made.computed += each.computed_s;
    made.unknown += each.unknown_s;
    made.longest_ms = std::max(made.longest_ms, each.longest_ms);
    ++made.loops;
  }
  made.stands_out = made.loops > 0;
  return made;
}

void name_place(model::named_cause& to, std::span<const model::blocking_site> sites, double unexplained_s) {
  const model::blocking_site* const at = busiest_place(sites);
  if (at == nullptr || at->total_ms / 1e3 < site_share * unexplained_s) return;
  to.peer = at->peer;
  to.place = at->place;
  to.text += fmt::format("; {:.2f} s of it{}{}{}", std::min(at->total_ms / 1e3, unexplained_s),
                         at->peer.empty() ? "" : " in ", at->peer, at_place(at->place));
}

std::string at_place(const std::string& place) { return place.empty() ? "" : " at " + place; }

}  // namespace assay::judge
