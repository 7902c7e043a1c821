// Runs a plan over long connections, on the calling thread, and says what came of it, verdict first.
//
// Misuse: two runs at the same time in one process; they would measure each other. For more connections than one
// process may have descriptors start several, each with addresses of its own (stream_options::sources).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "lab/load/live_run.hpp"
#include "lab/load/stream_options.hpp"
#include "lab/model/stream_result.hpp"

namespace assay::load {

struct stream_view {
  duration elapsed{};  // of the run; zero while connections are being opened
  std::uint64_t open = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

class stream_engine final : public live_source {
 public:
  explicit stream_engine(stream_plan plan);
  ~stream_engine() override;

  // Blocks until the run has ended and drained. The error is one line: the host cannot be resolved or reached.
  std::expected<model::stream_result, std::string> run();
  // Ends it early, keeping what was measured; from any thread, any number of times.
  void stop();
  // For a progress display; from any thread, as the following.
  stream_view progress() const;
  live_view look() const override;
  std::optional<model::live_second> second(std::size_t index) const override;
  bool is_gone(std::size_t index) const override;
  std::size_t seconds() const override;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace assay::load
