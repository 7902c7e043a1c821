#include "lab/load/measurements.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace assay::load {
namespace {

// Room for the writes of one thread: what is expected, and what chance adds to it.
std::uint64_t room_for_writes(const workload& of) {
  const double share = of.logged_writes_expected() / of.threads;
  return share > 0 ? static_cast<std::uint64_t>(std::ceil(share + 6 * std::sqrt(share))) : 0;
}

}  // namespace

measurements::measurements(const workload& of, second_series* series, stall_watch* watch, run_windows* windows)
    : requests_(&of.requests),
      watch_(watch),
      routes_(of.requests.size()),
      several_stages_(of.stages.size() > 1),
      timeout_(of.timeout),
      cells_(of.stages.size() * routes_),
      writes_(room_for_writes(of)) {
  if (series != nullptr) seconds_.emplace(*series);
  if (of.keep_parts) parts_ = parts_of(of.stages, of.requests.size());
  if (windows != nullptr && windows->any()) windows_.emplace(*windows);
  if (of.tests_arrivals()) realised_.emplace(of.arrivals_expected() / of.threads, of.length(), of.tick);
  // Before the clock runs: to make them at the start of a burst would be the generator's lateness.
  for (std::unique_ptr<recorder>& each : cells_) each = std::make_unique<recorder>();
}

void measurements::end_in_interval(const arrival& of, instant now, bool was_answered, std::optional<failure_kind> error,
                                   bool charged) {
  const duration offset = of.intended - start_;
  const std::optional<duration> response = charged ? std::optional(now - of.intended) : std::nullopt;
  if (seconds_) seconds_->ended(offset, was_answered, error, response);
  if (windows_) windows_->ended(of.route, offset, was_answered, error, response);
}

void measurements::failed(failure_kind kind, const arrival& of, instant sent, instant now, bool charged) {
  of.into->failed(kind, of.intended, sent, now, charged);
  if (charged) count_stall(of, sent, now, false);
  end_in_interval(of, now, false, kind, charged);
  if (charged) keep_in_parts(of, now - of.intended);
  if ((*requests_)[of.route].key) writes_.add(of.k, of.route, write_outcome::unanswered);
}

void measurements::not_sent(failure_kind kind, const arrival& of, instant now, bool charged, bool before) {
  of.into->not_sent(kind, of.intended, now, charged);
  if (realised_ && !before) realised_->not_sent(of.intended - start_);
  end_in_interval(of, now, false, kind, charged);
  if (charged) keep_in_parts(of, now - of.intended);
  if (before && (*requests_)[of.route].key) writes_.add(of.k, of.route, write_outcome::unanswered);
}

// Systematic sampling: each route gets its share of the many, rounded up or down by where the next of them begin. That
// moves on by the golden section, so that of few at a time those of a small share are not always left out.
void measurements::not_sent_many(failure_kind kind, const arrival& like, instant now, std::uint64_t count) {
  if (count == 0) return;
  const instant intended = like.intended;
  std::uint64_t before = 0;
  double until_share = many_from_;
  many_from_ = std::fmod(many_from_ + 1 / std::numbers::phi, 1.0);
  for (std::size_t route = 0; route < routes_; ++route) {
    until_share += (*requests_)[route].share * static_cast<double>(count);
    const bool last = route + 1 == routes_;
    const auto until = last ? count : std::min(count, static_cast<std::uint64_t>(until_share));
    if (until == before) continue;
    const std::uint64_t of_route = until - std::exchange(before, until);
    recorder& into = *cells_[like.stage * routes_ + route];
    into.offered += of_route;
    into.not_sent(kind, intended, now, true, of_route);
    keep_in_parts({.intended = intended, .stage = like.stage, .route = static_cast<unsigned>(route)}, now - intended,
                  of_route);
    if (!windows_) continue;
    windows_->offered(route, intended - start_, of_route);
    windows_->ended(route, intended - start_, false, kind, now - intended, of_route);
  }
  if (seconds_) {
    seconds_->offered(intended - start_, count);
    seconds_->ended(intended - start_, false, kind, now - intended, count);
  }
}

recorder measurements::total() const {
  recorder sum;
  for (const std::unique_ptr<recorder>& each : cells_) sum.merge(*each);
  sum.connects += connects;
  sum.received_bytes += received_bytes;
  return sum;
}

}  // namespace assay::load
