#include "lab/load/calibrator.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "lab/load/null_server.hpp"

namespace assay::load {

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
