#include "lab/load/schedule.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "lab/load/counter_random.hpp"

namespace assay::load {
namespace {

constexpr double no_more_ns = static_cast<double>(arrival_schedule::no_more.count());
// Poisson arrivals that are skipped one by one: of so few the nearest whole number to what is expected is another.
constexpr double most_few = 64;

}  // namespace

arrival_schedule::arrival_schedule(const schedule_options& options)
    : poisson_(options.law == model::arrival_law::poisson),
      tick_(options.tick),
      threads_(options.threads),
      stream_(thread_stream(options.seed, options.thread)),
      ordinal_(options.thread) {
  assert(options.threads > 0 && options.thread < options.threads);
  const stage only{.rate_per_s = options.rate_per_s};
  double begins_ns = 0;
  double arrivals = 0;
  for (const stage& each : options.stages.empty() ? std::span(&only, 1) : options.stages) {
    segments_.push_back({.begins_ns = begins_ns, .arrivals_before = arrivals, .curve = rate_curve(each)});
    begins_ns += static_cast<double>(each.length.count());
    arrivals += each.arrivals();
  }
  if (poisson_) rescaled_ = -std::log1p(-uniform(mix(stream_)));
  find_current();
}

// The inverse of L. Never goes back: arrivals come in order.
void arrival_schedule::find_current() {
  const double ordinal = poisson_ ? rescaled_ * threads_ : static_cast<double>(ordinal_);
  while (stage_ + 1 < segments_.size() && ordinal >= segments_[stage_ + 1].arrivals_before) stage_++;
  const segment& in = segments_[stage_];
  const double offset_ns = in.begins_ns + in.curve.reached_at(ordinal - in.arrivals_before);
  next_ = offset_ns < no_more_ns ? duration(std::llround(offset_ns)) : no_more;
  // Rounding may have carried it over the boundary.
  while (stage_ + 1 < segments_.size() && static_cast<double>(next_.count()) >= segments_[stage_ + 1].begins_ns) {
    stage_++;
  }
}

void arrival_schedule::pop() {
  k_++;
  ordinal_ += threads_;
  if (poisson_) rescaled_ += -std::log1p(-uniform(mix(stream_ + k_)));
  find_current();
}

duration arrival_schedule::stage_end() const {
  if (stage_ + 1 == segments_.size()) return no_more;
  return duration(std::llround(segments_[stage_ + 1].begins_ns));
}

double arrival_schedule::arrivals_until(double offset_ns) const {
  auto in = segments_.rbegin();
  while (in + 1 != segments_.rend() && in->begins_ns > offset_ns) ++in;
  return in->arrivals_before + in->curve.arrivals_until(offset_ns - in->begins_ns);
}

std::uint64_t arrival_schedule::skip_until(duration offset) {
  if (next_ >= offset) return 0;
  const double until = arrivals_until(static_cast<double>(offset.count()));
  std::uint64_t skipped = 0;
  if (poisson_ && until / threads_ - rescaled_ > most_few) {
    // The next one, and what is expected after it. Memoryless: from `offset` on it is the process it would have been
    // anyway.
    skipped = 1 + static_cast<std::uint64_t>(std::round(until / threads_ - rescaled_));
    rescaled_ = until / threads_;
    k_ += skipped - 1;
    pop();
  }
  // One early, then step by step, whatever the rounding says.
  const double ahead = poisson_ ? 0 : (until - static_cast<double>(ordinal_)) / threads_;
  if (ahead > 2) {
    skipped = static_cast<std::uint64_t>(ahead) - 1;
    k_ += skipped;
    ordinal_ += skipped * threads_;
    find_current();
  }
  for (; next_ < offset; ++skipped) pop();
  return skipped;
}

}  // namespace assay::load
