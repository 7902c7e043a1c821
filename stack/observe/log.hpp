// JSON log lines: one object a line, with time, level, message, and the ids of the request that it is about.
//
//   observe::json_log log(STDERR_FILENO);
//   observe::log_site slow(observe::level::warn, "slow query");          // static, or of a long-lived object
//   log.write(slow, ctx, {{"duration_us", took / 1us}, {"reason", label(failure.code)}});
//
//   {"time":"2026-11-26T02:28:06.123456Z","level":"warn","message":"slow query","request_id":"00f067aa0ba902b7",
//    "trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","duration_us":81250,"reason":"timed_out"}
//
// A loop never waits for a log. It makes the line and pushes it to a list without a lock; a thread of the log's own
// writes it. Not the loop itself with O_NONBLOCK: that flag belongs to everyone who shares the descriptor, a file never
// says EAGAIN however slow its disk is, and a line that was half taken would have to be kept anyway.
//
// Bounded: beyond max_buffered_bytes lines are dropped, and the next line says how many. The destructor writes what is
// left, for flush_timeout at most.
//
// Misuse: _exit() or a crash right after write(); what is in the buffer is lost. Destroying it before the loops that
// write to it. A site in a local variable: its rate limit starts anew with each call.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <thread>

#include "stack/observe/log_field.hpp"

namespace assay::observe {

// Nanoseconds since the epoch, UTC.
using wall_clock = std::int64_t (*)();
std::int64_t system_wall_clock();

// Where a message comes from, and how often it may. Shared by loops: it takes one atomic operation a line.
class log_site {
 public:
  struct rate {
    unsigned per_second = 10;  // 0: as often as it comes
    unsigned burst = 20;
  };
  // `message` is static text.
  constexpr log_site(level at, const char* message) noexcept : log_site(at, message, rate{}) {}
  constexpr log_site(level at, const char* message, rate limit) noexcept
      : level_(at), message_(message), limit_(limit) {}

  level at() const { return level_; }
  const char* message() const { return message_; }

  // Whether one more may be written at `now_ns`; it is counted as suppressed when not.
  bool admit(std::int64_t now_ns) noexcept;
  std::uint64_t take_suppressed() noexcept { return suppressed_.exchange(0, std::memory_order_relaxed); }

 private:
  level level_;
  const char* message_;
  rate limit_;
  std::atomic<std::int64_t> due_ns_{0};  // the theoretical arrival time of GCRA, as in stack/guard/rate_limit
  std::atomic<std::uint64_t> suppressed_{0};
};

struct log_options {
  level least = level::info;  // less is not written
  std::size_t max_buffered_bytes = 4 * 1024 * 1024;
  std::size_t max_value_bytes = 4096;                // longer texts are cut
  std::size_t max_line_bytes = 32 * 1024;            // longer lines are dropped
  duration flush_timeout = std::chrono::seconds(2);  // of the destructor, when the reader does not read
  wall_clock clock = &system_wall_clock;
};

struct log_counters {
  std::uint64_t written = 0;
  std::uint64_t dropped = 0;     // no room, too long, or not taken before flush_timeout
  std::uint64_t suppressed = 0;  // by the rate of their site
  std::uint64_t failed = 0;      // the descriptor refused them
};

class json_log {
 public:
  // The descriptor stays the caller's, and has to stay open.
  explicit json_log(int fd, log_options options = {});
  ~json_log();
  json_log(const json_log&) = delete;
  json_log& operator=(const json_log&) = delete;

  // From any thread.
  void write(log_site& site, std::initializer_list<field> fields) {
    write(site, nullptr, {fields.begin(), fields.end()});
  }
  void write(log_site& site, const context& about, std::initializer_list<field> fields) {
    write(site, &about, {fields.begin(), fields.end()});
  }
  void write(log_site& site, const context* about, std::span<const field> fields);

  log_counters counted() const;

 private:
  struct node {
    node* next = nullptr;
    std::string line;
  };

  void push(std::string line);
  void serve();
  node* take_all();
  void write_batch(node* oldest);
  void append_dropped_notice(std::string& to);
  enum class outcome : std::uint8_t { taken, refused, too_late };
  outcome write_all(std::string_view bytes);
  bool wait_until_writable();

  int fd_;
  log_options options_;
  bool is_file_;
  std::atomic<node*> newest_{nullptr};
  std::atomic<std::size_t> buffered_bytes_{0};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::atomic<std::uint64_t> suppressed_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::int64_t> give_up_at_ns_{INT64_MAX};  // on the monotonic clock, once it is to end
  std::uint64_t dropped_said_ = 0;
  node end_;            // the last one: the thread ends when it has come to it
  std::thread thread_;  // last: it uses the members above
};

// From now on failures that nobody observes go to `to` (stack/runtime/unobserved.hpp), until it is null. One log of a
// process can have them: the one that had them before, or null.
json_log* report_failures_to(json_log* to);

}  // namespace assay::observe
