#include "lab/inside/thread_history.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace assay::inside {
namespace {

// Keeps the last, which is the present.
template <typename Value>
void drop_every_second(std::vector<Value>& values) {
  std::size_t kept = 0;
  for (std::size_t i = (values.size() + 1) % 2; i < values.size(); i += 2) {
    if (kept != i) values[kept] = std::move(values[i]);
    ++kept;
  }
  values.resize(kept);
}

using bucket_array = std::array<segment_bucket, assay_probe_buckets>;

void spread_out(const thread_counters& counters, bucket_array& into) {
  for (const auto& [index, bucket] : counters.buckets) into.at(index) = bucket;
}

void count(loop_work& into, const thread_counters& counters) {
  into.turns += counters.waits;
  into.calls += counters.calls;
}

}  // namespace

void thread_history::look(std::uint64_t now_ns) {
  if (looks_.size() >= most_looks) drop_every_second(looks_);
  if (snapshots_ >= most_snapshots) thin_out();
  looks_.push_back(now_ns);
}

void thread_history::thin_out() {
  snapshots_ = 0;
  for (auto& [key, thread] : threads_) {
    if (thread.snapshots.size() > 2) drop_every_second(thread.snapshots);
    snapshots_ += thread.snapshots.size();
  }
}

bool thread_history::evict_one_that_ended() {
  const auto ended_ns = [](const auto& each) {
    const auto& snapshots = each.second.snapshots;
    const std::uint64_t at_ns = snapshots.empty() ? 0 : snapshots.back().counters.ended_ns;
    return at_ns != 0 ? at_ns : UINT64_MAX;
  };
  const auto first = std::ranges::min_element(threads_, {}, ended_ns);
  if (first == threads_.end() || ended_ns(*first) == UINT64_MAX) return false;
  const series& gone = first->second;
  if (gone.quality == model::lag_quality::traced) count(evicted_work_, gone.snapshots.back().counters);
  snapshots_ -= gone.snapshots.size();
  stalls_ -= gone.stalls.size();
  threads_.erase(first);
  ++evicted_;
  return true;
}

void thread_history::add(std::uint32_t pid, const thread_counters& counters, model::lag_quality quality) {
  const thread_key key{pid, counters.tid, counters.generation};
  auto found = threads_.find(key);
  if (found == threads_.end()) {
    if (threads_.size() >= most_threads) {
      // Its file tells of one that ended for as long as the process lives: it must not come back.
      if (counters.ended_ns != 0) return;
      if (!evict_one_that_ended()) {
        ++dropped_;
        return;
      }
    }
    found = threads_.emplace(key, series{}).first;
    found->second.quality = quality;
  }
  series& thread = found->second;
  thread.busy_since_ns = counters.busy_since_ns;
  if (!thread.snapshots.empty() && thread.snapshots.back().counters.waits == counters.waits) {
    const auto& last = thread.snapshots.back().counters;
    if (last.busy_since_ns == counters.busy_since_ns && last.ended_ns == counters.ended_ns) return;
  }
  thread.snapshots.push_back({looks_.back(), counters});
  ++snapshots_;
}

void thread_history::add_stall(std::uint32_t pid, const thread_stall& stall) {
  // The latest of that thread id: ids are used again, the ring does not say by whom.
  auto found = threads_.upper_bound({pid, stall.tid, UINT64_MAX});
  if (found == threads_.begin() || stalls_ >= most_stalls) {
    ++dropped_;
    return;
  }
  --found;
  if (found->first.pid != pid || found->first.tid != stall.tid) {
    ++dropped_;
    return;
  }
  ++stalls_;
  found->second.stalls.push_back({stall.start_ns, stall.start_ns + stall.length_ns, true, stall.use});
}

bool thread_history::has_traced_loop(std::uint32_t pid) const {
  for (auto found = threads_.lower_bound({pid, 0, 0}); found != threads_.end() && found->first.pid == pid; ++found) {
    if (found->second.quality == model::lag_quality::traced) return true;
  }
  return false;
}

loop_work thread_history::traced_work() const {
  loop_work work = evicted_work_;
  for (const auto& [key, thread] : threads_) {
    if (thread.quality == model::lag_quality::traced) count(work, thread.snapshots.back().counters);
  }
  return work;
}

std::string thread_history::name_of(const thread_key& thread) const {
  const auto found = threads_.find(thread);
  if (found == threads_.end() || found->second.snapshots.empty()) return {};
  return found->second.snapshots.back().counters.name;
}

std::uint64_t thread_history::look_nearest(std::uint64_t at_ns) const {
  const auto next = std::ranges::lower_bound(looks_, at_ns);
  if (next == looks_.begin()) return looks_.front();
  if (next == looks_.end()) return looks_.back();
  return *next - at_ns < at_ns - *std::prev(next) ? *next : *std::prev(next);
}

std::vector<long_segment> thread_history::stalls_of(const series& thread) const {
  auto all = thread.stalls;
  if (thread.busy_since_ns != 0 && !looks_.empty() && looks_.back() >= thread.busy_since_ns + ASSAY_PROBE_STALL_NS) {
    all.push_back({thread.busy_since_ns, looks_.back(), false});
  }
  return all;
}

std::vector<loop_stall> thread_history::stalls() const {
  std::vector<loop_stall> all;
  for (const auto& [key, thread] : threads_) {
    for (const auto& stall : stalls_of(thread)) all.push_back({key, stall});
  }
  return all;
}

busy_segments thread_history::cut(const series& thread, std::uint64_t begin_ns, std::uint64_t end_ns) const {
  bucket_array early{};
  bucket_array late{};
  std::uint64_t zero_wait_early = 0;
  std::uint64_t zero_wait_late = 0;
  std::uint64_t from_ns = end_ns;  // no snapshot, no window
  for (const auto& [at_ns, counters] : thread.snapshots) {
    if (at_ns <= begin_ns) {
      spread_out(counters, early);
      zero_wait_early = counters.zero_wait_ns;
    }
    if (at_ns <= end_ns) {
      spread_out(counters, late);
      zero_wait_late = counters.zero_wait_ns;
      // One that came and went counts over the whole window: else the shortest life would be the busiest.
      from_ns = counters.ended_ns != 0 ? begin_ns : std::max(begin_ns, counters.began_ns);
      if (counters.ended_ns != 0 && counters.ended_ns <= begin_ns) from_ns = end_ns;
    }
  }
  busy_segments segments;
  segments.window_ns = end_ns > from_ns ? static_cast<double>(end_ns - from_ns) : 0;
  segments.zero_wait_ns = static_cast<double>(zero_wait_late - zero_wait_early);
  for (std::size_t i = 0; i < late.size(); ++i) {
    segments.add_bucket(
        {late[i].count - early[i].count, late[i].sum_ns - early[i].sum_ns, late[i].sum_squares - early[i].sum_squares});
  }
  correct_edges(segments, begin_ns, end_ns, stalls_of(thread));
  return segments;
}

thread_history::busiest_loop thread_history::busiest(std::uint64_t from_ns, std::uint64_t to_ns) const {
  busiest_loop found;
  for (const auto& [key, thread] : threads_) {
    auto segments = cut(thread, from_ns, to_ns);
    if (segments.window_ns <= 0) continue;
    const auto estimate = estimate_lag(segments);
    if (found.thread != nullptr && estimate.utilisation <= found.estimate.utilisation) continue;
    found = {.thread = &thread, .segments = std::move(segments), .estimate = estimate};
  }
  return found;
}

model::loop_lag thread_history::lag(const std::string& phase, std::uint64_t begin_ns, std::uint64_t end_ns) const {
  model::loop_lag told;
  told.phase = phase;
  if (looks_.empty()) return told;
  const std::uint64_t from_ns = look_nearest(begin_ns);
  const std::uint64_t to_ns = look_nearest(end_ns);
  const auto [thread, segments, estimate] = busiest(from_ns, to_ns);
  if (thread == nullptr) return told;
  const auto counts = count_stalls(from_ns, to_ns, stalls_of(*thread));
  told.quality = thread->quality;
  told.utilisation = estimate.utilisation;
  told.mean_ms = estimate.mean_ns / 1e6;
  told.p50_ms = estimate.p50_ns / 1e6;
  told.p99_ms = estimate.p99_ns / 1e6;
  told.max_ms = (counts.longest_ns > 0 ? counts.longest_ns : estimate.longest_ns) / 1e6;
  told.stalls = counts.number;
  told.stalled_s = counts.seconds;
  return told;
}

busy_segments thread_history::segments(std::uint64_t begin_ns, std::uint64_t end_ns) const {
  if (looks_.empty()) return {};
  return busiest(look_nearest(begin_ns), look_nearest(end_ns)).segments;
}

}  // namespace assay::inside
