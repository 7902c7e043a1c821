// A generator and a scripted server in virtual time: whatever happens, happens at a nanosecond the test can compute.
//
//   world stage;
//   stage.options.rate_per_s = 1000;
//   stage.server.decide = [](std::size_t, std::size_t) { return reply{.after = 1ms}; };
//   stage.at(2s, [&] { stage.hold_server_until(3500ms); });
//   const outcome seen = stage.run();
//
// Every run ends with the proof that each arrival was accounted for once, that the accounts of time in flight agree,
// and that no socket, lent buffer or frame is left.
//
// Misuse: two run()s of one world; it has one server and one history.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "lab/load/crew.hpp"
#include "lab/load/generator.hpp"
#include "lab/load/load_merge.hpp"
#include "lab/load/verdict.hpp"
#include "lab/load/workload_result.hpp"
#include "stack/net/address.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/sim_io.hpp"

namespace assay::load {

inline constexpr std::uint16_t port = 8080;
inline constexpr duration never_answers = std::chrono::hours(24);

inline std::string answer_of(int status, std::string_view fields = "", std::string_view body = "ok") {
  return "HTTP/1.1 " + std::to_string(status) + " So\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

// What the server does with one request.
struct reply {
  enum class then : std::uint8_t { stays, closes, reads_no_more };
  duration after{};  // from the whole request to the answer
  std::string bytes = answer_of(200);
  then next = then::stays;
  duration drip{};  // one byte, this pause, one byte, ...
};

class responder {
 public:
  // Which connection (in the order of accepting), and which request on it, from 0.
  std::function<reply(std::size_t, std::size_t)> decide = [](std::size_t, std::size_t) { return reply{}; };
  // Asked instead, when set, with the bytes of the request.
  std::function<reply(std::string_view)> decide_on;
  bool one_at_a_time = false;  // a queue with one server: reply::after is the time of service
  std::size_t requests = 0;
  std::size_t accepted = 0;

  task<void> serve_all(io& network, socket_address at);

 private:
  task<void> serve(io& network, net::stream stream, std::size_t number);
  task<bool> next_request(net::stream& stream, std::string& unread, std::string& request);
  task<bool> answer(io& network, net::stream& stream, const reply& how);

  instant busy_until_{};
};

struct outcome {
  result<void> connected;
  recorder measured;
  model::load_result judged;
  std::uint64_t due = 0;
  duration sent_for{};  // from the start to where sending ended
  duration took{};      // from the start to the return of run()

  std::uint64_t failed(failure_kind kind) const { return measured.errors[static_cast<std::size_t>(kind)]; }
  std::uint64_t failed() const;  // without those that are responses too
  const observe::histogram& response() const { return measured.latency.response_time; }
  const observe::histogram& service() const { return measured.latency.service_time; }
  const observe::histogram& lag() const { return measured.latency.send_lag; }
};

class frozen_io;

class world {
 public:
  explicit world(duration latency = std::chrono::microseconds(50)) : world(sim_options{.latency = latency}) {}
  explicit world(const sim_options& network);

  load_options options;
  responder server;
  bool listening = true;

  // Runs `event` that long after the start of the run.
  void at(duration offset, std::function<void()> event) { script_.emplace_back(offset, std::move(event)); }
  // As SIGSTOP until `offset` after the start.
  void hold_server_until(duration offset) { network_->hold(port, start_ + offset); }
  void set_faults(const sim_faults& faults) { network_->set_faults(faults); }
  // Closes the port and every connection.
  void kill_server() { servers_->cancel(cancel_reason::shutdown); }
  void stop_load() { load_->stop(); }
  // The whole loop, the generator with it, is not scheduled from `from` to `to` after the start.
  void freeze_loop(duration from, duration to) { frozen_.emplace_back(from, to); }
  // stop() even before run().
  void stop_before_start() { stop_first_ = true; }

  outcome run();
  // Of the loop so far: how often something, or the time, has woken it.
  std::uint64_t wakes() const { return on_->counters().turns; }
  // Of a run that keeps them.
  const second_series& seconds() const { return *series_; }
  // The same with several routes and phases; connections, timeout and seed are those of the options given.
  workload_result run(workload_options several);

 private:
  task<void> staged(const workload* work, outcome* into, std::vector<thread_outcome>* moved);
  void expect_all_ended(const outcome& seen, bool open_model);
  task<void> later(duration offset, const std::function<void()>* event);

  sim_io* network_ = nullptr;
  frozen_io* outer_ = nullptr;
  std::optional<loop> on_;
  scope* servers_ = nullptr;
  generator* load_ = nullptr;
  std::optional<second_series> series_;
  std::optional<run_windows> windows_;
  live_counters live_;
  instant start_{};
  std::vector<std::pair<duration, std::function<void()>>> script_;
  std::vector<std::pair<duration, duration>> frozen_;  // in order
  bool stop_first_ = false;
};

// What a queue with `connections` servers must measure: the textbook recursion, written apart from the generator.
struct expected_times {
  std::vector<duration> response;
  std::vector<duration> service;
  std::vector<duration> lag;
};
// `answered_at` gives the instant at which the answer to a request that was sent at its argument is back; calls come in
// the order of sending. All instants are offsets from the start.
expected_times queue_model(const std::vector<duration>& arrivals, unsigned connections,
                           const std::function<duration(duration)>& answered_at);

// Count, minimum, maximum and mean are exact; quantiles to the histogram's resolution of 0.1 %.
void expect_same(const observe::histogram& measured, std::vector<duration> expected);

// The phases are the sums of their routes, and the seconds of the phases.
void expect_sums_agree(const workload_result& seen);

inline std::uint64_t ns(duration span) { return static_cast<std::uint64_t>(span.count()); }

}  // namespace assay::load
