#include "lab/inside/thread_totals.hpp"

#include <utility>

namespace assay::inside {
namespace {

bool has_fallen(const thread_use& from, const thread_use& to) {
  return to.wait_ns < from.wait_ns || to.voluntary < from.voluntary || to.involuntary < from.involuntary ||
         to.shim_ns < from.shim_ns;
}

}  // namespace

thread_use& thread_use::operator+=(const thread_use& more) {
  wait_ns += more.wait_ns;
  voluntary += more.voluntary;
  involuntary += more.involuntary;
  shim_ns += more.shim_ns;
  return *this;
}

void thread_totals::look(std::map<std::uint32_t, thread_use> living) {
  for (const auto& [tid, last] : living_) {
    const auto now = living.find(tid);
    // Counters never fall: another thread has the number of one that ended.
    if (now == living.end() || has_fallen(last, now->second)) ended_ += last;
  }
  living_ = std::move(living);
}

thread_use thread_totals::sum() const {
  thread_use all = ended_;
  for (const auto& [tid, use] : living_) all += use;
  return all;
}

}  // namespace assay::inside
