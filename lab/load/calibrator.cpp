#include "lab/load/calibrator.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/load/null_server.hpp"

namespace assay::load {

namespace {

void add_errors(std::vector<std::string>& reasons, std::string_view where, const model::load_result& seen) {
  if (seen.requests == 0) reasons.push_back(fmt::format("nothing was answered {}", where));
  if (seen.errors.empty()) return;
  std::string kinds;
  for (const auto& [kind, count] : seen.errors) kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", count, kind);
  reasons.push_back(fmt::format("errors {} ({}), of a server that makes none: this machine", where, kinds));
}

}  // namespace

void judge_calibration(model::calibration& of) {
  add_errors(of.at_ease.reasons, "as fast as it goes", of.fastest);
  add_errors(of.at_ease.reasons, "at the rate", of.at_ease);
  of.at_ease.valid = of.at_ease.reasons.empty();
}

std::expected<model::load_result, std::string> calibrator::run_once(const std::string& url,
                                                                    std::optional<double> rate_per_s) {
  load_options once = options_;
  once.url = url;
  once.rate_per_s = rate_per_s;
  once.length = options_.length / 2;
  auto plan = normalize(std::move(once));
  if (!plan) return std::unexpected(plan.error());
  load_engine engine(std::move(*plan));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return std::unexpected("interrupted");
    running_ = &engine;
  }
  auto measured = engine.run();
  const std::lock_guard lock(mutex_);
  running_ = nullptr;
  if (stopping_) return std::unexpected("interrupted");
  return measured;
}

std::expected<model::calibration, std::string> calibrator::run() {
  const auto server = null_server::start(options_.io, options_.connections);
  if (!server) return std::unexpected(server.error());
  const std::string url = (*server)->url();
  model::calibration seen;
  auto fastest = run_once(url, std::nullopt);
  if (!fastest) return std::unexpected(fastest.error());
  seen.fastest = std::move(*fastest);
  auto at_ease = run_once(url, options_.rate_per_s.value_or(usual_rate_per_s));
  if (!at_ease) return std::unexpected(at_ease.error());
  seen.at_ease = std::move(*at_ease);
  judge_calibration(seen);
  return seen;
}

void calibrator::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  if (running_ != nullptr) running_->stop();
}

live_view calibrator::look() const {
  const std::lock_guard lock(mutex_);
  return running_ != nullptr ? running_->look() : live_view{};
}

}  // namespace assay::load
