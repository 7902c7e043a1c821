#include "stack/observe/log.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <utility>

#include "stack/observe/trace_context.hpp"
#include "stack/runtime/quiet_thread.hpp"
#include "stack/runtime/unobserved.hpp"

namespace assay::observe {
namespace {

constexpr std::int64_t a_second_ns = 1'000'000'000;
constexpr int look_up_every_ms = 50;                  // whether it is to end, while the reader does not read
constexpr std::size_t file_write_bytes = 64 * 1024;   // a write to a file
constexpr std::size_t stream_write_bytes = PIPE_BUF;  // to anything else: taken as a whole once poll() has said so

std::int64_t monotonic_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool is_regular_file(int fd) {
  struct stat about{};
  return ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

bool is_zero(const trace_identity& trace) {
  return std::ranges::all_of(trace.trace_id, [](std::uint8_t each) { return each == 0; });
}

// No id, no reason, no route: an empty text would say that there was one.
bool is_absent(const field& of) {
  const auto* text = std::get_if<std::string_view>(&of.value);
  const auto* list = std::get_if<std::span<const std::string>>(&of.value);
  return (text != nullptr && text->empty()) || (list != nullptr && list->empty());
}

void append_head(std::string& line, std::int64_t now_ns, const log_site& site) {
  line += "{\"time\":\"";
  append_time(line, now_ns);
  line += '"';
  append_field(line, {"level", label(site.at())}, SIZE_MAX);
  append_field(line, {"message", site.message()}, SIZE_MAX);
}

// One process, one log that hears of lost failures.
std::atomic<json_log*> failure_log{nullptr};
log_site unobserved_site(level::error, "a task failed unobserved", {.per_second = 10, .burst = 100});

void log_failure(const unobserved_failure& lost) noexcept {
  json_log* const to = failure_log.load();
  if (to == nullptr) return;
  const std::string request = lost.request_id != 0 ? to_hex(lost.request_id) : std::string();
  const std::string why = describe(lost);
  to->write(unobserved_site, {{"request_id", request},
                              {"failure", why},
                              {"reason", lost.failure ? label(lost.failure->code) : std::string_view("exception")},
                              {"during", lost.during},
                              {"spawned_file", lost.where.file_name()},
                              {"spawned_line", lost.where.line()},
                              {"spawned_by", lost.where.function_name()}});
}

}  // namespace

std::int64_t system_wall_clock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool log_site::admit(std::int64_t now_ns) noexcept {
  if (limit_.per_second == 0) return true;
  const std::int64_t interval = a_second_ns / limit_.per_second;
  const std::int64_t tolerance = interval * std::max(limit_.burst, 1U);
  std::int64_t due = due_ns_.load(std::memory_order_relaxed);
  while (true) {
    // Further ahead than it can come by itself: the wall clock was set back.
    const std::int64_t from = due - now_ns > tolerance ? now_ns : std::max(due, now_ns);
    if (from + interval - now_ns > tolerance) {
      suppressed_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    if (due_ns_.compare_exchange_weak(due, from + interval, std::memory_order_relaxed)) return true;
  }
}

json_log::json_log(int fd, log_options options)
    : fd_(fd),
      options_(options),
      is_file_(is_regular_file(fd)),
      thread_(assay::detail::quiet_thread([this] { serve(); })) {}

json_log::~json_log() {
  json_log* self = this;
  if (failure_log.compare_exchange_strong(self, nullptr)) set_failure_reporter(nullptr);
  give_up_at_ns_.store(monotonic_ns() + options_.flush_timeout.count());
  node* newest = newest_.load(std::memory_order_relaxed);
  do {
    end_.next = newest;
  } while (!newest_.compare_exchange_weak(newest, &end_, std::memory_order_release, std::memory_order_relaxed));
  newest_.notify_one();
  thread_.join();
}

// --- on the thread of whoever logs -----------------------------------------------------------------------------------

void json_log::write(log_site& site, const context* about, std::span<const field> fields) {
  if (site.at() < options_.least) return;
  const std::int64_t now_ns = options_.clock();
  if (!site.admit(now_ns)) {
    suppressed_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  std::string line;
  line.reserve(512);
  append_head(line, now_ns, site);
  if (about != nullptr && about->request_id != 0) {
    append_field(line, {"request_id", to_hex(about->request_id)}, SIZE_MAX);
  }
  if (about != nullptr && !is_zero(about->trace)) append_field(line, {"trace_id", to_hex(about->trace)}, SIZE_MAX);
  for (const field& each : fields) {
    if (!is_absent(each)) append_field(line, each, options_.max_value_bytes);
  }
  if (const std::uint64_t suppressed = site.take_suppressed(); suppressed != 0) {
    append_field(line, {"suppressed", suppressed}, SIZE_MAX);
  }
  line += "}\n";
  push(std::move(line));
}

void json_log::push(std::string line) {
  const std::size_t bytes = line.size();
  if (bytes > options_.max_line_bytes ||
      buffered_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes > options_.max_buffered_bytes) {
    if (bytes <= options_.max_line_bytes) buffered_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  auto* const added = new node{.next = nullptr, .line = std::move(line)};
  node* newest = newest_.load(std::memory_order_relaxed);
  do {
    added->next = newest;
  } while (!newest_.compare_exchange_weak(newest, added, std::memory_order_release, std::memory_order_relaxed));
  if (newest == nullptr) newest_.notify_one();  // else the thread has not come to the others yet
}

log_counters json_log::counted() const {
  return {.written = written_.load(),
          .dropped = dropped_.load(),
          .suppressed = suppressed_.load(),
          .failed = failed_.load()};
}

// --- on the log's own thread -----------------------------------------------------------------------------------------

// In the order in which they were pushed.
json_log::node* json_log::take_all() {
  newest_.wait(nullptr, std::memory_order_acquire);
  node* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  node* oldest = nullptr;
  while (newest != nullptr) {
    node* const next = std::exchange(newest->next, oldest);
    oldest = std::exchange(newest, next);
  }
  return oldest;
}

void json_log::serve() {
  bool ended = false;
  while (!ended) {
    node* const oldest = take_all();
    for (const node* each = oldest; each != nullptr && !ended; each = each->next) ended = each == &end_;
    write_batch(oldest);
  }
}

// Whole lines in each write as far as they fit: what several processes write to one pipe then does not interleave.
void json_log::write_batch(node* oldest) {
  const std::size_t most = is_file_ ? file_write_bytes : stream_write_bytes;
  std::string bytes;
  std::uint64_t lines = 0;
  const auto write_out = [&] {
    if (bytes.empty()) return;
    const outcome ended = write_all(bytes);
    auto& counted = ended == outcome::taken ? written_ : ended == outcome::refused ? failed_ : dropped_;
    counted.fetch_add(lines, std::memory_order_relaxed);
    bytes.clear();
    lines = 0;
  };
  while (oldest != nullptr) {
    node* const each = std::exchange(oldest, oldest->next);
    if (each == &end_) continue;
    if (bytes.size() + each->line.size() > most) write_out();
    bytes += each->line;
    lines++;
    buffered_bytes_.fetch_sub(each->line.size(), std::memory_order_relaxed);
    delete each;
  }
  append_dropped_notice(bytes);
  write_out();
}

void json_log::append_dropped_notice(std::string& to) {
  const std::uint64_t dropped = dropped_.load(std::memory_order_relaxed);
  if (dropped == dropped_said_) return;
  static const log_site site(level::warn, "log lines were dropped");
  append_head(to, options_.clock(), site);
  append_field(to, {"lines", dropped - std::exchange(dropped_said_, dropped)}, SIZE_MAX);
  to += "}\n";
}

json_log::outcome json_log::write_all(std::string_view bytes) {
  const std::size_t most = is_file_ ? file_write_bytes : stream_write_bytes;
  while (!bytes.empty()) {
    if (!wait_until_writable()) return outcome::too_late;
    const ssize_t taken = ::write(fd_, bytes.data(), std::min(bytes.size(), most));
    if (taken > 0) bytes.remove_prefix(static_cast<std::size_t>(taken));
    // Its reader is gone (SIGPIPE is blocked here), or the disk is full. Nobody is left to tell but the counter.
    if (taken < 0 && errno != EAGAIN && errno != EINTR) return outcome::refused;
  }
  return outcome::taken;
}

bool json_log::wait_until_writable() {
  while (!is_file_) {
    pollfd watched{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (::poll(&watched, 1, look_up_every_ms) > 0) return true;
    if (monotonic_ns() > give_up_at_ns_.load(std::memory_order_relaxed)) return false;
  }
  return true;
}

json_log* report_failures_to(json_log* to) {
  json_log* const before = failure_log.exchange(to);
  set_failure_reporter(to != nullptr ? &log_failure : nullptr);
  return before;
}

}  // namespace assay::observe
