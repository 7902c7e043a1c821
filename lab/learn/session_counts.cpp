#include "lab/learn/session_counts.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lab/learn/text_hash.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::learn {
namespace {

constexpr observe::histogram_options gap_range{
    .lowest_discernible = 1, .highest_trackable = 3600, .significant_digits = 3};
constexpr std::size_t smallest_table = 1024;

}  // namespace

std::uint64_t session_key(std::string_view address, std::string_view agent) {
  return std::max<std::uint64_t>(text_hash(agent, text_hash(address)), 1);
}

session_counts::session_counts() : table_(smallest_table), gaps_(observe::histogram::create(gap_range).value()) {}

session_counts::open_session& session_counts::place_of(std::uint64_t key) {
  std::size_t at = key & (table_.size() - 1);
  while (table_[at].key != key && table_[at].key != 0) at = (at + 1) & (table_.size() - 1);
  return table_[at];
}

void session_counts::rebuild(std::size_t size) {
  const std::vector<open_session> before = std::exchange(table_, std::vector<open_session>(size));
  for (const open_session& each : before) {
    if (each.key != 0) place_of(each.key) = each;
  }
}

void session_counts::forget_idle(std::chrono::sys_seconds now) {
  for (open_session& each : table_) {
    if (each.key == 0 || std::chrono::abs(now - each.last_seen) < session_idle_cut) continue;
    lengths_.record(each.requests);
    each = {};
    --open_;
  }
  rebuild(table_.size());  // no gap may lie before a session that was put behind another
  swept_ = now;
}

// In the place of one that has ended, or in a free one.
session_step session_counts::begin(open_session& session, const open_session& as) {
  if (session.requests > 0) lengths_.record(session.requests);
  session = as;
  ++sessions_;
  ++requests_;
  ++of_one_;
  squares_ += 1;
  return {.begins = true};
}

session_step session_counts::add(std::uint64_t key, std::chrono::sys_seconds at, std::uint32_t place) {
  const open_session first{.key = key, .last_seen = at, .requests = 1, .place = place};
  open_session* session = &place_of(key);
  if (session->key == 0) {
    constexpr std::chrono::seconds between_sweeps{60};  // a sweep looks at all
    if (open_ >= max_open_sessions && std::chrono::abs(at - swept_) >= between_sweeps) forget_idle(at);
    if (open_ >= max_open_sessions) {
      ++untracked_;
      return {};
    }
    if (2 * ++open_ > table_.size()) rebuild(2 * table_.size());
    return begin(place_of(key), first);
  }
  const std::chrono::seconds gap = at - session->last_seen;
  // Far back is another session as well: rotated logs are often named newest first.
  if (std::chrono::abs(gap) >= session_idle_cut) return begin(*session, first);
  ++requests_;
  if (session->requests == 1) --of_one_;
  squares_ += 2 * static_cast<double>(session->requests) + 1;  // the next square less this one
  ++session->requests;
  // Lines are written as requests end: a little disorder is no negative time to think.
  gaps_.record(static_cast<std::uint64_t>(std::max(gap, std::chrono::seconds(0)).count()));
  session->last_seen = std::max(session->last_seen, at);
  return {.before = std::exchange(session->place, place)};
}

void session_counts::describe_lengths(model::sessions& to) const {
  constexpr std::uint64_t fewest = 100;  // for a law
  constexpr double alike = 0.05;         // of two distribution functions
  size_table all = lengths_;
  for (const open_session& each : table_) {
    if (each.key != 0) all.record(each.requests);
  }
  const size_counts lengths = all.counted();
  to.requests_p50 = lengths.quantile(0.5);
  to.requests_p90 = lengths.quantile(0.9);
  to.requests_p99 = lengths.quantile(0.99);
  if (sessions_ < fewest) return;
  const std::vector<counted_amounts> amounts = lengths.amounts();
  const double mean = to.requests_mean;
  const double variance = squares_ / static_cast<double>(sessions_) - mean * mean;
  to.geometric_distance = geometric_distance(amounts, mean);
  to.length_law = to.geometric_distance <= alike ? "geometric" : variance > mean * (mean - 1) ? "heavier" : "lighter";
  to.length_tail = fit_tail(amounts);
}

model::sessions session_counts::describe() const {
  model::sessions described;
  described.key = "address and user agent";
  described.count = sessions_;
  described.idle_cut_s = static_cast<double>(session_idle_cut.count());
  if (sessions_ > 0) described.requests_mean = static_cast<double>(requests_) / static_cast<double>(sessions_);
  if (observe::estimable(0.5, gaps_.count())) {
    described.think_time_p50_s = static_cast<double>(gaps_.value_at_quantile(0.5));
  }
  if (observe::estimable(0.9, gaps_.count())) {
    described.think_time_p90_s = static_cast<double>(gaps_.value_at_quantile(0.9));
  }
  described.think_time_mean_s = gaps_.mean();
  if (described.think_time_mean_s > 0) {
    double squares = 0;
    gaps_.for_each_recorded([&](std::uint64_t least, std::uint64_t most, std::uint64_t times) {
      const double middle = static_cast<double>(least + most) / 2 - described.think_time_mean_s;
      squares += static_cast<double>(times) * middle * middle;
    });
    described.think_time_cv = std::sqrt(squares / static_cast<double>(gaps_.count())) / described.think_time_mean_s;
  }
  describe_lengths(described);
  return described;
}

std::vector<model::measure> session_counts::measures() const {
  constexpr double fewest = 30;
  const auto n = static_cast<double>(sessions_);
  if (n < fewest) return {};
  const double mean = static_cast<double>(requests_) / n;
  const double variance = std::max(squares_ - n * mean * mean, 0.0) / (n - 1);
  const double single = static_cast<double>(of_one_) / n;
  const double least = 1 / n;  // one session more or less
  return {{.kind = model::measure_kind::session_length,
           .of = {},
           .value = mean,
           .error = std::max(std::sqrt(variance / n) / mean, least),
           .freedom = n - 1},
          {.kind = model::measure_kind::short_sessions,
           .of = {},
           .value = single,
           .error = std::max(std::sqrt(single * (1 - single) / n), least),
           .freedom = n - 1}};
}

}  // namespace assay::learn
