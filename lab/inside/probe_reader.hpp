// Reads the file that the preload library of one process writes: its loop threads, long segments, blocking calls.
//
// Misuse: reading after the process has been replaced by exec and expecting the new program's numbers: that has a new
// file under the old name; `same_file` says whether to open again.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/inside/lag_estimate.hpp"

namespace assay::inside {

// The counters of a loop thread at one moment, since its beginning. Only buckets that hold something.
struct thread_counters {
  std::uint32_t tid = 0;
  std::uint64_t generation = 0;  // of this thread id in this file: a thread may be a loop twice, in two places
  std::string name;
  std::uint64_t began_ns = 0;
  std::uint64_t ended_ns = 0;
  std::uint64_t busy_since_ns = 0;
  std::uint64_t waits = 0;
  std::uint64_t calls = 0;  // that the library timed
  std::uint64_t zero_wait_ns = 0;
  std::vector<std::pair<std::uint16_t, segment_bucket>> buckets;
};

struct thread_stall {
  std::uint32_t tid = 0;
  std::uint64_t start_ns = 0;
  std::uint64_t length_ns = 0;
  std::optional<segment_use> use = {};  // as far as the library knows it
};

struct blocking_event {
  std::uint32_t tid = 0;
  std::uint64_t start_ns = 0;
  std::uint64_t length_ns = 0;
  std::string call;
  std::string peer;                // as the library wrote it
  std::vector<std::string> stack;  // innermost first
  std::string place;               // the innermost of the candidate's own code
  std::vector<std::uint64_t> frames;
  bool by_shim = false;  // the stack is the runtime's own, with lines
};

class probe_reader {
 public:
  static std::expected<probe_reader, std::string> open(const std::string& path);
  probe_reader(probe_reader&& other) noexcept
      : path_(std::move(other.path_)),
        fd_(std::exchange(other.fd_, -1)),
        pid_(other.pid_),
        next_stall_(other.next_stall_),
        next_event_(other.next_event_),
        lost_(other.lost_) {}
  probe_reader& operator=(probe_reader&&) = delete;
  ~probe_reader();

  std::uint32_t pid() const { return pid_; }
  bool same_file() const;
  bool remove() const;          // its name; false when the system refuses
  bool has_stack_hook() const;  // a runtime's shim has come into it

  std::vector<thread_counters> threads() const;
  std::vector<thread_stall> new_stalls();
  std::vector<blocking_event> new_events();
  // Entries that a ring had overwritten before they were read.
  std::uint64_t lost() const { return lost_; }

 private:
  probe_reader(std::string path, int fd, std::uint32_t pid) : path_(std::move(path)), fd_(fd), pid_(pid) {}

  std::string path_;
  int fd_;
  std::uint32_t pid_;
  std::uint64_t next_stall_ = 0;
  std::uint64_t next_event_ = 0;
  std::uint64_t lost_ = 0;
};

// Bytes that a process has written: up to their NUL, what is not printable as "?".
std::string printable(const char* bytes, std::size_t size);
// Lines as the shims write them, and the first of the candidate's own code, which is marked.
std::pair<std::vector<std::string>, std::string> stack_of(std::string_view text);

// "recv", "sleep", …; "unknown call" for a number that this version does not know.
std::string call_name(unsigned call);

}  // namespace assay::inside
