// Runs a load plan on as many threads as it asks for and merges what they measured.
//
// Misuse: two runs at the same time in one process; they would measure each other.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "lab/load/live_run.hpp"
#include "lab/load/options.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

class load_engine : public live_run {
 public:
  explicit load_engine(load_plan plan);
  ~load_engine() override;

  std::expected<model::load_result, std::string> run() override;
  void stop() override;
  live_view look() const override;
  std::optional<model::live_second> second(std::size_t index) const override;
  bool is_gone(std::size_t index) const override;
  std::size_t seconds() const override;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::load
