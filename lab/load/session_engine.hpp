// Runs a session plan on the thread that calls it, and says what came of it, verdict first.
//
// Misuse: two runs at the same time in one process; they would measure each other. run() twice on one engine.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "lab/load/crew.hpp"
#include "lab/load/live_run.hpp"
#include "lab/load/lone_run.hpp"
#include "lab/load/second_series.hpp"
#include "lab/load/session_generator.hpp"
#include "lab/load/session_plan.hpp"
#include "lab/model/load_result.hpp"

namespace assay::load {

class session_engine final : public live_run {
 public:
  explicit session_engine(session_plan plan);

  std::expected<model::load_result, std::string> run() override;
  void stop() override { run_.stop(); }
  live_view look() const override;
  std::optional<model::live_second> second(std::size_t index) const override;
  bool is_gone(std::size_t index) const override;
  std::size_t seconds() const override { return series_.size(); }

 private:
  duration behind() const;

  session_plan plan_;
  second_series series_;
  run_windows windows_;
  lone_run<session_generator> run_;
};

// INVALID too where the sessions of a scenario did not begin as its schedule had them: by the rules of requests.
void judge_session_arrivals(model::load_result& result);

// What a run of sessions has measured; `threads` holds the one of the generator, and `series` is null where it has kept
// no seconds, `windows` where there is no objective of them.
model::load_result session_result_of(const session_plan& plan, const std::vector<model::load_sessions>& sessions,
                                     const std::vector<thread_outcome>& threads, const second_series* series,
                                     instant start, bool interrupted, const run_windows* windows = nullptr);

}  // namespace assay::load
