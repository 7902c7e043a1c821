// What those who watch a run have seen of it so far, from looks at it about once a second: rates between two looks,
// each second as soon as it has ended, errors by kind.
//
//   live_history seen(head_of(plan));
//   seen.look(engine.look(), [&](std::size_t index) { return engine.second(index); }, engine.seconds());
//   report::load_screen_text(seen.screen(), size)
//
// It only reads what the generators publish anyhow. A second is asked for again and again until it has ended, and then
// never more.
//
// Misuse: calling it from a thread of the generator.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "lab/load/busiest_share.hpp"
#include "lab/load/live_run.hpp"
#include "lab/load/options.hpp"
#include "lab/load/session_plan.hpp"
#include "lab/load/stream_options.hpp"
#include "lab/load/verdict.hpp"
#include "lab/model/load_screen.hpp"

namespace assay::load {

// What can be said of a run before it begins.
model::load_screen head_of(const load_plan& plan);
model::load_screen head_of(const session_plan& plan);
model::load_screen head_of(const stream_plan& plan);  // of messages

class live_history {
 public:
  using second_source = std::function<std::optional<model::live_second>(std::size_t)>;

  explicit live_history(model::load_screen head, const verdict_bounds& bounds = {})
      : screen_(std::move(head)), bounds_(bounds) {}

  // `seconds` is how many the whole run has.
  void look(const live_view& now, const second_source& second, std::size_t seconds);
  void ends() { screen_.ending = true; }
  const model::load_screen& screen() const { return screen_; }

 private:
  void take_rates(const live_view& now);
  void take_seconds(const second_source& second, std::size_t begun);
  bool take(const second_source& second, std::size_t index);
  void judge();

  model::load_screen screen_;
  verdict_bounds bounds_;
  busiest_share cpu_;
  std::vector<std::size_t> under_way_;  // seconds that have begun and not ended
  double latest_late_share_ = 0;        // of the latest second that has ended
};

}  // namespace assay::load
