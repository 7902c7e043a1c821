// A generator over long connections and a server of this stack in virtual time.
//
//   stream_stage stage({.url = "ws://127.0.0.1:8080/", .rate_per_s = 100});
//   stage.talk = [](websocket::connection& peer) { return echo_after(3ms, peer); };
//   const model::stream_result seen = stage.run();
//
// Every run ends with the proof that no socket, lent buffer or frame is left.
//
// Misuse: two run()s of one stage.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/load/run_windows.hpp"
#include "lab/load/second_series.hpp"
#include "lab/load/stream_load.hpp"
#include "lab/load/stream_options.hpp"
#include "stack/http/server.hpp"
#include "stack/http/websocket/endpoint.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/sim_io.hpp"
#include "stack/runtime/task_function.hpp"

namespace assay::load {

inline constexpr std::uint16_t stream_port = 8080;
inline constexpr duration one_way = std::chrono::microseconds(50);
inline constexpr duration round_trip = 2 * one_way;

using kinds = std::map<std::string, std::uint64_t>;

inline stream_options of_ten(double rate_per_s) {
  return {
      .url = "ws://127.0.0.1:8080/", .rate_per_s = rate_per_s, .length = std::chrono::seconds(1), .connections = 10};
}

inline std::uint64_t to_ns(duration span) { return static_cast<std::uint64_t>(span.count()); }

inline void expect_all(const observe::histogram& of, std::uint64_t count, duration value) {
  EXPECT_EQ(of.count(), count);
  EXPECT_EQ(of.min(), to_ns(value));
  EXPECT_EQ(of.max(), to_ns(value));
}

class frozen_io;

class stream_stage {
 public:
  explicit stream_stage(stream_options options, duration latency = one_way);
  ~stream_stage();

  // What the server does with a WebSocket; without it, serve_raw is asked.
  websocket::session talk;
  // What it does with a connection, byte by byte.
  task_function<task<void>(net::stream&)> serve_raw;

  // Runs `event` that long after the start of the run.
  void at(duration offset, std::function<void()> event) { script_.emplace_back(offset, std::move(event)); }
  // As SIGSTOP until `offset` after the start.
  void hold_server_until(duration offset) { network_->hold(stream_port, start_ + offset); }
  void stop_load() { load_->stop(); }
  // The whole loop, the generator with it, is not scheduled from `from` to `to` after the start.
  void freeze_loop(duration from, duration to) { frozen_.emplace_back(from, to); }
  // So long after connecting has begun.
  void stop_while_connecting(duration after) { stops_after_ = after; }
  loop& on() { return *on_; }
  sim_io& network() { return *network_; }

  model::stream_result run();
  // Of a run that keeps them.
  const second_series& seconds() const { return *series_; }
  // Of a run that could not begin.
  const result<void>& connected() const { return connected_; }

 private:
  void expect_live_counts(const model::stream_result& seen);
  task<void> staged(const stream_plan* plan, model::stream_result* into);
  task<void> serve(http::server* server);
  task<http::response> answer(const websocket::endpoint* at, http::request& asked);
  task<void> serve_each();
  task<void> serve_one(net::stream stream);
  task<void> later(duration offset, const std::function<void()>* event);

  stream_options options_;
  sim_io* network_ = nullptr;
  frozen_io* outer_ = nullptr;
  std::unique_ptr<loop> on_;
  std::optional<second_series> series_;
  std::optional<window_series> windows_;
  stream_counters live_;
  stream_load* load_ = nullptr;
  result<void> connected_;
  instant start_{};
  std::optional<duration> stops_after_;
  std::vector<std::pair<duration, std::function<void()>>> script_;
  std::vector<std::pair<duration, duration>> frozen_;  // in order
};

// As work that the server does in the same loop, `work` for a message.
inline task<void> echo_at_work(duration work, sim_io* on, websocket::connection& peer) {
  while (true) {
    const result<websocket::message> got = co_await peer.receive();
    if (!got) co_return;
    on->pass(work);
    if (!co_await peer.send(got->kind, got->payload)) co_return;
  }
}

inline task<void> echo_after(duration pause, websocket::connection& peer) {
  while (true) {
    const result<websocket::message> got = co_await peer.receive();
    if (!got) co_return;
    if (pause > duration::zero() && !co_await delay_for(pause)) co_return;
    const result<void> sent = co_await peer.send(got->kind, got->payload);
    if (!sent) co_return;
  }
}

}  // namespace assay::load
