#include "stack/guard/adaptive/policy.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace assay::guard::adaptive {
namespace {

using namespace std::chrono_literals;

constexpr double smoothing = 0.4;       // how much of the way to the new limit a window goes
constexpr double least_gradient = 0.5;  // one window at most halves what is aimed at
constexpr double idle_weight = 0.05;    // of an idle window in the unloaded latency
constexpr double fell = 0.8;            // of a latency before; what is nearer to it may be chance
constexpr double rose = 1.25;           // likewise; then the one before was taken while a queue was growing
constexpr std::size_t most_older = 20;  // a probe waits until so few of those from before are left: one of twenty
constexpr int longest_window = 10;      // in options::window

double as_ns(duration span) { return static_cast<double>(span.count()); }

}  // namespace

checked check(const options& given) {
  constexpr std::uint64_t most = 1'000'000;
  return option_check("adaptive")
      .number("min_limit", given.min_limit, 1, most)
      .number("max_limit", given.max_limit, given.min_limit, most)
      .number("initial_limit", given.initial_limit, given.min_limit, given.max_limit)
      .span("window", given.window, 1ms, 60s)
      .number("min_samples", given.min_samples, 5, 100'000)
      .number("slack_percent", given.slack_percent, 5, 900)
      .span("probe_every", given.probe_every, 10 * given.window, 24h)
      .outcome();
}

ticket::~ticket() {
  if (from_ == nullptr) return;
  from_->in_flight_--;
  if (told_) return;
  from_->counters_.ignored++;
  from_->on_left(number_);
}

void ticket::done(instant now) {
  assert(from_ != nullptr && !told_ && "a request ends once");
  told_ = true;
  from_->on_left(number_);
  from_->on_sample(*this, now);
}

// A span that was cut is a lower bound of a latency. One that is low says nothing: a caller may be in a hurry.
void ticket::cut(instant now) {
  assert(from_ != nullptr && !told_ && "a request ends once");
  if (from_->unloaded_ns_ > 0 && as_ns(now - began_) > from_->slow_ns()) done(now);
}

policy::policy(const options& given)
    : options_(given),
      limit_(static_cast<double>(given.initial_limit)),
      random_(given.seed ? *given.seed : std::random_device{}()) {
  assert(check(given) && "options are checked before they are used");
}

void policy::on_begin(instant now) {
  if (next_number_ == 0) begin_window(now);
  // Nothing has come of it for so long: all fail, or nobody comes.
  if (probing() && now - probe_.began > options_.probe_every) {
    probe_ = {};
    measured(now);
    begin_window(now);
  }
}

std::size_t policy::probed_limit() const {
  return std::max(static_cast<std::size_t>(probe_.level / 2), options_.min_limit);
}

// Beyond this a latency is one with a queue in it.
double policy::slow_ns() const { return unloaded_ns_ * (1 + options_.slack_percent / 100.0); }

duration policy::window_span() const {
  const double span_ns =
      std::clamp(2 * last_latency_ns_, as_ns(options_.window), as_ns(longest_window * options_.window));
  return duration(std::llround(span_ns));
}

void policy::on_left(std::uint64_t number) {
  working_--;
  if (probing() && number < probe_.first_number) probe_.older--;
}

void policy::on_sample(const ticket& of, instant now) {
  if (probing()) {
    const bool drains = probe_.older * most_older > probe_.older_at_first;
    if (of.number_ < probe_.first_number || drains) return;
    if (mean_.count() == 0) window_ends_ = now + window_span();
  }
  mean_.add(std::max(as_ns(now - of.began_), 1.0));
  const std::uint64_t enough = probing() ? 2 * options_.min_samples : options_.min_samples;
  if (now < window_ends_ || mean_.count() < enough) [[likely]]
    return;
  const double latency_ns = std::round(mean_.value());
  counters_.windows++;
  probing() ? on_probe(latency_ns, now) : on_window(latency_ns, now);
  last_latency_ns_ = latency_ns;
  begin_window(now);
}

void policy::on_window(double latency_ns, instant now) {
  if (counters_.windows == 1) return;  // a service that has just begun is not what it will be
  const bool idle = 2.0 * static_cast<double>(peak_) <= limit_;
  if (idle) {
    counters_.idle++;
    // Halving what is in flight tells nothing, and costs requests, where there are only a few.
    const bool can_probe = unloaded_ns_ > 0 && peak_ > 2 * options_.min_limit;
    if (can_probe && latency_ns > slow_ns()) return begin_probe(static_cast<double>(peak_), now);
    unloaded_ns_ += (unloaded_ns_ > 0 ? idle_weight : 1) * (latency_ns - unloaded_ns_);
    return measured(now);
  }
  if (unloaded_ns_ > 0) adjust(latency_ns);
  if (wants_probe(now)) begin_probe(limit_, now);
}

void policy::adjust(double latency_ns) {
  const double gradient = std::clamp(slow_ns() / latency_ns, least_gradient, 1.0);
  const double aim = limit_ * gradient + std::sqrt(limit_);
  const double next = std::clamp(limit_ + smoothing * (aim - limit_), static_cast<double>(options_.min_limit),
                                 static_cast<double>(options_.max_limit));
  if (next > limit_) counters_.raised++;
  if (next < limit_) counters_.lowered++;
  limit_ = next;
}

bool policy::wants_probe(instant now) const {
  return unloaded_ns_ == 0 || now >= next_probe_at_ || limit_ <= limit_then_ / 2;
}

void policy::on_probe(double latency_ns, instant now) {
  const bool has_fallen = latency_ns < fell * last_latency_ns_;
  if (has_fallen) probe_.queued_at = probe_.level;
  const bool goes_on = has_fallen || latency_ns > rose * last_latency_ns_;
  if (goes_on && probed_limit() > options_.min_limit) return begin_probe(probe_.level / 2, now);
  end_probe(latency_ns, now);
}

void policy::end_probe(double latency_ns, instant now) {
  counters_.probes++;
  if (probe_.queued_at == 0) {
    counters_.slower++;
    unloaded_ns_ = latency_ns;
    limit_ = std::max(limit_, limit_then_);
  } else {
    unloaded_ns_ += (unloaded_ns_ > 0 ? 0.5 : 1) * (latency_ns - unloaded_ns_);
    limit_ = std::clamp(probe_.queued_at, static_cast<double>(options_.min_limit), limit_);
  }
  probe_ = {};
  measured(now);
}

void policy::measured(instant now) {
  limit_then_ = limit_;
  const auto most = options_.probe_every.count() / 2;
  next_probe_at_ =
      now + options_.probe_every + duration(std::uniform_int_distribution<duration::rep>(0, most)(random_));
}

void policy::begin_window(instant now) {
  window_ends_ = now + window_span();
  mean_ = {};
  peak_ = in_flight_;
}

void policy::begin_probe(double level, instant now) {
  probe_ = {.level = level,
            .queued_at = probe_.queued_at,
            .began = now,
            .first_number = next_number_,
            .older = working_,
            .older_at_first = working_};
}

}  // namespace assay::guard::adaptive
