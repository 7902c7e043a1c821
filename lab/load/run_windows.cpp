#include "lab/load/run_windows.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "lab/load/gate.hpp"
#include "lab/load/span.hpp"

namespace assay::load {
namespace {

// Whether the value of a window that begins at `start_s` takes the place of the worst so far. Windows come in no order.
bool is_worse(const gate& of, double value, double start_s, const model::window_outcome& worst) {
  if (value == *worst.value) return start_s < worst.start_s;
  return of.what == gated::rate ? value < *worst.value : value > *worst.value;
}

void take(const gate& of, const open_interval& seen, double start_s, model::window_outcome& into) {
  const gated_part part{.times = &seen.response_time,
                        .rate_rps = static_cast<double>(seen.answered) / in_seconds(of.every),
                        .error_share = static_cast<double>(seen.details.failed()) / static_cast<double>(seen.offered)};
  const std::optional<double> value = value_of(of, part);
  const bool first = into.windows++ == 0;
  const bool untold = !first && !into.value;
  if (!value || !holds(of, *value)) into.failed++;
  // One that is not told decides it: the first of them is named.
  const bool named =
      value ? !untold && (first || is_worse(of, *value, start_s, into)) : !untold || start_s < into.start_s;
  if (!named) return;
  into.value = value;
  into.start_s = start_s;
  into.length_s = in_seconds(of.every);
  into.answers = seen.response_time.count();
}

void append(std::vector<model::window_outcome>& to, const window_series& from) {
  to.insert(to.end(), from.outcomes().begin(), from.outcomes().end());
}

// Null where no objective is of that part.
std::unique_ptr<window_series> series_for(const workload& of, const std::string& part) {
  std::vector<gate> gates;
  std::ranges::copy_if(of.windowed, std::back_inserter(gates), [&](const gate& each) { return each.part == part; });
  return gates.empty() ? nullptr : std::make_unique<window_series>(of.length(), of.threads, std::move(gates));
}

}  // namespace

window_series::window_series(duration run, unsigned threads, std::vector<gate> gates)
    : interval_series(run, gates.front().every, threads),
      whole_(static_cast<std::size_t>(run / gates.front().every)),
      gates_(std::move(gates)) {
  for (const gate& each : gates_) {
    assert(each.every == gates_.front().every);
    outcomes_.push_back({.gate = each.text});
  }
}

std::size_t window_series::begun_by(duration ended) const {
  return ended <= duration::zero() ? 0 : std::min(whole_, static_cast<std::size_t>(ended / each()));
}

void window_series::over(std::size_t index, const open_interval* seen) {
  if (seen == nullptr || index >= whole_) return;
  const double start_s = static_cast<double>(index) * in_seconds(each());
  for (std::size_t i = 0; i < gates_.size(); ++i) take(gates_[i], *seen, start_s, outcomes_[i]);
}

run_windows::run_windows(const workload& of) {
  if (of.windowed.empty()) return;
  run_ = series_for(of, "");
  if (of.requests.size() == 1) return;  // which is the run
  for (std::size_t i = 0; i < of.requests.size(); ++i) routes_.push_back(series_for(of, of.requests[i].name));
  if (std::ranges::all_of(routes_, [](const auto& each) { return each == nullptr; })) routes_.clear();
}

std::vector<model::window_outcome> run_windows::outcomes() const {
  std::vector<model::window_outcome> all;
  if (run_ != nullptr) append(all, *run_);
  for (const std::unique_ptr<window_series>& each : routes_) {
    if (each != nullptr) append(all, *each);
  }
  return all;
}

window_recorders::window_recorders(run_windows& into) : routes_(into.routes_.size()) {
  const auto open = [this](window_series& in, std::optional<interval_recorder>& as) {
    as.emplace(in);
    each_ = in.each();
  };
  if (into.run_ != nullptr) open(*into.run_, run_);
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (into.routes_[i] != nullptr) open(*into.routes_[i], routes_[i]);
  }
}

void window_recorders::pass(duration from) {
  const std::size_t index = from <= duration::zero() ? 0 : static_cast<std::size_t>(from / each_);
  if (index <= passed_) return;
  passed_ = index;
  if (run_) run_->none_before(from);
  for (std::optional<interval_recorder>& each : routes_) {
    if (each) each->none_before(from);
  }
}

void window_recorders::offered(std::size_t route, duration offset, std::uint64_t times) {
  pass(offset);
  each_of(route, [=](interval_recorder& into) { into.offered(offset, times); });
}

void window_recorders::offered(std::size_t route, duration offset, duration from) {
  each_of(route, [=](interval_recorder& into) { into.offered(offset, from); });
  pass(from);
}

void window_recorders::ended(std::size_t route, duration offset, bool answered, std::optional<failure_kind> error,
                             std::optional<duration> response_time, std::uint64_t times) {
  each_of(route, [=](interval_recorder& into) { into.ended(offset, answered, error, response_time, times); });
}

void window_recorders::finish(duration sent_for) {
  if (run_) run_->finish(sent_for);
  for (std::optional<interval_recorder>& each : routes_) {
    if (each) each->finish(sent_for);
  }
}

}  // namespace assay::load
