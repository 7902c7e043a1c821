// Loop lag where the preload library cannot look: /proc/PID/task/TID/syscall, read a thousand times a second. A thread
// that is in a wait of its loop, epoll or io_uring, is parked; anything else is busy. About 1 ms resolution. A wait
// that is shorter is seen by the kernel's count of how often the thread went to sleep, unless it is one that also
// sleeps elsewhere.
//
// Misuse: on threads that share one poller (Go, work-stealing runtimes): there a parked thread says nothing of the
// loop. And on more threads than needed: each costs one to three per cent of a core.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "lab/inside/probe_reader.hpp"

namespace assay::inside {

// The number of the call that a thread is in; nothing while it runs.
std::optional<long> parse_syscall(std::string_view text);
bool is_epoll_wait(long number);
bool is_io_uring_wait(long number);
// Either. A thread that waits so is held up when it is in poll or select: its clients with a timeout wait like that.
bool is_wait_of_loop(long number);
// The same of a thread now; the errno when it is not told: it has ended, or the process is not ours to trace.
std::expected<std::optional<long>, int> current_syscall(std::uint32_t pid, std::uint32_t tid);

// The samples of one thread as busy segments: n busy samples in a row are a segment of n periods.
class sampled_thread {
 public:
  // `generation`: of this thread id, which the system uses again.
  sampled_thread(std::uint32_t tid, std::string name, std::uint64_t now_ns, std::uint64_t generation = 1);
  // `slept`: between this sample and the one before it went to sleep for too short to be met there. Twice in a row, or
  // right before it is parked, those are waits of its loop; once, it waited for a lock or for a collector's threads.
  // After a gap of some milliseconds without samples once is enough.
  void sample(std::uint64_t now_ns, bool parked, bool slept = false);
  void end(std::uint64_t now_ns);

  thread_counters counters() const;
  std::vector<thread_stall> take_stalls() { return std::exchange(stalls_, {}); }

 private:
  static constexpr std::size_t most_stalls = 4096;  // between two looks
  void close(std::uint64_t end_ns);
  std::uint64_t last_ns_ = 0;
  std::uint64_t cut_ns_ = 0;  // where the segment ends, if the next sample bears it out
  thread_counters state_;
  std::vector<segment_bucket> buckets_;
  std::vector<thread_stall> stalls_;
};

class syscall_sampler {
 public:
  static constexpr std::size_t most_threads = 4;  // at a time
  static constexpr std::uint64_t period_ns = 1'000'000;

  syscall_sampler() = default;
  syscall_sampler(const syscall_sampler&) = delete;
  syscall_sampler& operator=(const syscall_sampler&) = delete;
  ~syscall_sampler();

  // Begins with the first thread. False when there is no room for another.
  std::expected<bool, std::string> watch(std::uint32_t pid, std::uint32_t tid);
  bool watches(std::uint32_t pid, std::uint32_t tid) const;

  struct reading {
    std::uint32_t pid = 0;
    thread_counters counters;
    std::vector<thread_stall> stalls;
  };
  // Of all threads; one that has ended is in it for the last time, and makes room for another.
  std::vector<reading> take();
  std::uint64_t cpu_ns() const { return cpu_ns_.load(std::memory_order_relaxed); }
  // Periods in which no sample was taken, because the sampler itself had no CPU.
  std::uint64_t missed() const { return missed_.load(std::memory_order_relaxed); }

 private:
  struct target {
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;
    int fd = -1;
    sampled_thread thread;
    int schedstat = -1;
    int status = -1;
    std::uint64_t slices = 0;     // times that it was given a CPU
    std::uint64_t voluntary = 0;  // times that it went to sleep
    bool blocks = false;          // it was met asleep elsewhere than in its loop's wait, in this segment
  };
  void run();
  void sample_all();
  static void sample(target& one, std::uint64_t now_ns, std::optional<long> call);
  static bool slept(target& one);
  static void close(target& one);

  mutable std::mutex mutex_;
  std::vector<target> targets_;
  std::uint64_t begun_ = 0;  // threads, ever
  int timer_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<std::uint64_t> cpu_ns_{0};
  std::atomic<std::uint64_t> missed_{0};
  std::thread thread_;
};

}  // namespace assay::inside
