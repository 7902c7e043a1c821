#include "lab/load/second_series.hpp"

#include <algorithm>
#include <cassert>

namespace assay::load {
namespace {

// In one pass: the histogram's buckets are in order, as the bands are.
model::band_counts bands_of(const observe::histogram& times) {
  model::band_counts bands{};
  std::size_t band = 0;
  times.for_each_recorded([&](std::uint64_t, std::uint64_t highest, std::uint64_t count) {
    while (band < model::band_edges_ns.size() && highest > model::band_edges_ns[band]) ++band;
    bands[band] += static_cast<std::uint32_t>(count);
  });
  return bands;
}

double to_ms(std::uint64_t ns) { return static_cast<double>(ns) / 1e6; }

second_series::told told_of(const open_interval& seen) {
  const observe::histogram& response = seen.response_time;
  second_series::told told{
      .sums = {.offered = seen.offered,
               .answered = seen.answered,
               .errors = seen.details.failed(),
               .response_p50_ms = to_ms(std::min(response.value_at_quantile(0.5), response.max())),
               .response_p99_ms = to_ms(std::min(response.value_at_quantile(0.99), response.max())),
               .response_max_ms = to_ms(response.max())},
      .details = seen.details};
  told.details.response_times = response.count();
  told.details.bands = bands_of(response);
  return told;
}

}  // namespace

std::size_t seconds_to_keep(std::span<const stage> stages) {
  return std::ranges::any_of(stages, &stage::is_burst) ? all_seconds : latest_seconds;
}

second_series::second_series(duration length, unsigned threads, std::size_t kept)
    : interval_series(length, std::chrono::seconds(1), threads), kept_(std::clamp<std::size_t>(size(), 1, kept)) {
  assert(kept > 0);
  assert(kept_.size() < std::max<std::size_t>(size(), 1) || length <= max_series_length);
}

std::size_t second_series::begun_by(duration ended) const { return std::min(size(), index_of(ended) + 2); }

void second_series::over(std::size_t index, const open_interval* seen) {
  published<told>& into = kept_[index % kept_.size()];
  if (into.version() > index + 1) return;  // one that hung for longer than seconds are kept
  told done = seen == nullptr ? told{} : told_of(*seen);
  done.sums.at_s = static_cast<double>(index);
  into.write(index + 1, done);
  if (overs_end_.load(std::memory_order_relaxed) <= index) overs_end_.store(index + 1, std::memory_order_release);
}

std::optional<model::load_second> second_series::last() const {
  // A second that gives way at this moment leaves a later one.
  for (std::size_t end = overs_end_.load(std::memory_order_acquire); end > 0;) {
    if (const std::optional<told> seen = read(end - 1)) return seen->sums;
    const std::size_t now = overs_end_.load(std::memory_order_acquire);
    if (now == end) return std::nullopt;
    end = now;
  }
  return std::nullopt;
}

std::vector<model::load_second> second_series::seconds() const {
  assert(kept_.size() >= size());
  std::vector<model::load_second> all(size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (const std::optional<told> seen = read(i)) all[i] = seen->sums;
    all[i].at_s = static_cast<double>(i);
  }
  return all;
}

}  // namespace assay::load
