#include "stack/observe/mirror.hpp"

#include <utility>

namespace assay::observe {

template <class Family>
bool mirror::take(const std::expected<Family, std::string>& family) {
  if (!family && problem_.empty()) problem_ = family.error();
  return family.has_value();
}

void mirror::counter(const metric_spec& spec, labels values, const std::uint64_t* source) {
  const auto family = registry_.counter(spec);
  if (take(family)) counters_.push_back({.source = source, .to = mine_.at(*family, values)});
}

void mirror::counter(const metric_spec& spec, labels values, const duration* source) {
  const auto family = registry_.counter(spec);
  if (take(family)) counters_.push_back({.span = source, .to = mine_.at(*family, values)});
}

void mirror::counter(const metric_spec& spec, labels values, std::function<std::uint64_t()> source) {
  const auto family = registry_.counter(spec);
  if (!take(family)) return;
  counters_.push_back({.ask = std::move(source), .to = mine_.at(*family, values)});
  always_ = true;
}

void mirror::gauge(const metric_spec& spec, labels values, std::function<double(instant now)> source) {
  const auto family = registry_.gauge(spec);
  if (take(family)) gauges_.push_back({.source = std::move(source), .to = mine_.at(*family, values)});
}

void mirror::run_on(loop& on, std::function<bool()> busy) {
  on_ = &on;
  busy_ = std::move(busy);
  carry(on.now());
  if (always_) touch();
}

void mirror::arm() { on_->timers().arm(alarm_, saturating_add(on_->turn_time(), every)); }

std::uint64_t mirror::counted::now() const {
  if (source != nullptr) return *source;
  return span != nullptr ? static_cast<std::uint64_t>(span->count()) : ask();
}

void mirror::carry(instant now) {
  for (counted& each : counters_) {
    const std::uint64_t value = each.now();
    if (value != each.carried) each.to.add(value - std::exchange(each.carried, value));
  }
  for (measured& each : gauges_) {
    const double value = each.source(now);
    if (value != each.carried) each.to.add(value - std::exchange(each.carried, value));
  }
}

void mirror::alarm::on_time(timer_node& node) noexcept {
  mirror& self = *static_cast<alarm&>(node).owner;
  self.carry(self.on_->turn_time());
  if (self.always_ || (self.busy_ && self.busy_())) self.arm();
}

void mirror::close() {
  if (on_ != nullptr && alarm_.armed()) on_->timers().disarm(alarm_);
  if (on_ != nullptr) carry(on_->turn_time());
  on_ = nullptr;
  for (measured& each : gauges_) each.to.add(-each.carried);
  counters_.clear();
  gauges_.clear();
}

}  // namespace assay::observe
