#include "lab/inside/probe_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <tuple>

namespace assay::inside {
namespace {

constexpr int seqlock_tries = 16;  // a writer is done within a microsecond

bool read_at(int fd, void* into, std::size_t size, std::size_t offset) {
  return ::pread(fd, into, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

template <typename Value>
Value value_at(int fd, std::size_t offset) {
  Value value{};
  return read_at(fd, &value, sizeof value, offset) ? value : Value{};
}

bool read_slot(int fd, std::size_t offset, assay_probe_slot& slot) {
  for (int i = 0; i < seqlock_tries; ++i) {
    const auto before = value_at<std::uint64_t>(fd, offset);
    if (before % 2 == 0 && read_at(fd, &slot, sizeof slot, offset) && slot.sequence == before &&
        value_at<std::uint64_t>(fd, offset) == before) {
      return true;
    }
  }
  return false;
}

blocking_event event_of(const assay_probe_event& raw) {
  blocking_event event;
  event.tid = raw.tid;
  event.start_ns = raw.start_ns;
  event.length_ns = raw.length_ns;
  event.call = call_name(raw.call);
  event.peer = printable(raw.peer, sizeof raw.peer);
  std::tie(event.stack, event.place) = stack_of(printable(raw.stack, sizeof raw.stack));
  event.by_shim = !event.stack.empty();
  const auto frames = std::min<std::size_t>(raw.frame_count, assay_probe_frames);
  event.frames.assign(raw.frames, raw.frames + frames);
  return event;
}

thread_stall stall_of(const assay_probe_stall& raw) {
  thread_stall stall{.tid = raw.tid, .start_ns = raw.start_ns, .length_ns = raw.length_ns};
  if (raw.cpu_ns != UINT64_MAX) stall.use = segment_use{raw.cpu_ns, raw.slept, raw.preempted, raw.major_faults};
  return stall;
}

// Takes what is new in a ring whose entries begin with their ticket. An entry that is being written is left for later.
template <typename Entry, typename Take>
void drain_ring(int fd, std::size_t ring_offset, std::uint64_t capacity, std::uint64_t count, std::uint64_t& next,
                std::uint64_t& lost, const Take& take) {
  if (count > next + capacity) {
    lost += count - capacity - next;
    next = count - capacity;
  }
  const auto entry = std::make_unique<Entry>();
  for (; next < count; ++next) {
    const std::size_t offset = ring_offset + (next % capacity) * sizeof(Entry);
    if (!read_at(fd, entry.get(), sizeof(Entry), offset)) return;
    if (entry->ticket == 0) return;
    if (entry->ticket != next + 1 || value_at<std::uint64_t>(fd, offset) != next + 1) {
      if (entry->ticket <= next) return;
      ++lost;
      continue;
    }
    take(*entry);
  }
}

}  // namespace

// Ends with NUL by the format; what is not printable came from elsewhere than the library.
std::string printable(const char* bytes, std::size_t size) {
  std::string text(bytes, ::strnlen(bytes, size));
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\n'; }, '?');
  return text;
}

std::pair<std::vector<std::string>, std::string> stack_of(std::string_view text) {
  std::vector<std::string> stack;
  std::string place;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.size() < 2) continue;
    const bool own = line.front() == '*';
    line.remove_prefix(1);
    if (own && place.empty()) place = line;
    stack.emplace_back(line);
  }
  return {std::move(stack), std::move(place)};
}

std::string call_name(unsigned call) {
  switch (call) {
    case assay_call_recv:
      return "recv";
    case assay_call_read:
      return "read";
    case assay_call_send:
      return "send";
    case assay_call_write:
      return "write";
    case assay_call_connect:
      return "connect";
    case assay_call_getaddrinfo:
      return "getaddrinfo";
    case assay_call_fsync:
      return "fsync";
    case assay_call_fdatasync:
      return "fdatasync";
    case assay_call_sleep:
      return "sleep";
    case assay_call_flock:
      return "flock";
    case assay_call_waitpid:
      return "waitpid";
    case assay_call_open:
      return "open";
    case assay_call_accept:
      return "accept";
    case assay_call_stat:
      return "stat";
    case assay_call_unlink:
      return "unlink";
    case assay_call_rename:
      return "rename";
    case assay_call_sendfile:
      return "sendfile";
    case assay_call_copy_file_range:
      return "copy_file_range";
    case assay_call_join:
      return "pthread_join";
    case assay_call_lock:
      return "lock";
    case assay_call_collection:
      return "garbage collection";
    case assay_call_poll_in:
      return "recv (poll)";
    case assay_call_poll_out:
      return "send or connect (poll)";
    default:
      return "unknown call";
  }
}

std::expected<probe_reader, std::string> probe_reader::open(const std::string& path) {
  // Not waiting: a pipe under that name would never open.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  probe_reader reader(path, fd, 0);
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size != sizeof(assay_probe_file)) {
    return std::unexpected(
        fmt::format("{}: not a probe file: expected a file of {} bytes", path, sizeof(assay_probe_file)));
  }
  if (value_at<std::uint64_t>(fd, offsetof(assay_probe_file, magic)) != ASSAY_PROBE_MAGIC) {
    return std::unexpected(fmt::format("{}: not a probe file: expected its magic at the beginning", path));
  }
  const auto version = value_at<std::uint32_t>(fd, offsetof(assay_probe_file, version));
  if (version != ASSAY_PROBE_VERSION) {
    return std::unexpected(fmt::format("{}: version {}, expected {}: library and lab are of different builds", path,
                                       version, ASSAY_PROBE_VERSION));
  }
  reader.pid_ = value_at<std::uint32_t>(fd, offsetof(assay_probe_file, pid));
  return reader;
}

probe_reader::~probe_reader() {
  if (fd_ >= 0) ::close(fd_);
}

bool probe_reader::same_file() const {
  struct stat mine{};
  struct stat named{};
  return ::fstat(fd_, &mine) == 0 && ::stat(path_.c_str(), &named) == 0 && mine.st_ino == named.st_ino &&
         mine.st_dev == named.st_dev;
}

bool probe_reader::remove() const { return ::unlink(path_.c_str()) == 0; }

bool probe_reader::has_stack_hook() const {
  return value_at<std::uint64_t>(fd_, offsetof(assay_probe_file, has_stack_hook)) != 0;
}

std::vector<thread_counters> probe_reader::threads() const {
  std::vector<thread_counters> found;
  const auto slot = std::make_unique<assay_probe_slot>();
  for (std::size_t i = 0; i < assay_probe_slots; ++i) {
    const std::size_t offset = offsetof(assay_probe_file, slots) + i * sizeof(assay_probe_slot);
    if (value_at<std::uint32_t>(fd_, offset + offsetof(assay_probe_slot, tid)) == 0) break;  // filled in order
    if (!read_slot(fd_, offset, *slot) || slot->began_ns == 0) continue;
    thread_counters thread{.tid = slot->tid,
                           .generation = std::uint64_t{slot->generation} * assay_probe_slots + i,
                           .name = printable(slot->name, sizeof slot->name),
                           .began_ns = slot->began_ns,
                           .ended_ns = slot->ended_ns,
                           .busy_since_ns = slot->busy_since_ns,
                           .waits = slot->waits,
                           .calls = slot->calls,
                           .zero_wait_ns = slot->zero_wait_ns,
                           .buckets = {}};
    for (std::uint16_t b = 0; b < assay_probe_buckets; ++b) {
      const auto& bucket = slot->segments[b];
      if (bucket.count == 0) continue;
      thread.buckets.emplace_back(b,
                                  segment_bucket{bucket.count, static_cast<double>(bucket.sum_ns), bucket.sum_squares});
    }
    found.push_back(std::move(thread));
  }
  return found;
}

std::vector<thread_stall> probe_reader::new_stalls() {
  std::vector<thread_stall> found;
  drain_ring<assay_probe_stall>(fd_, offsetof(assay_probe_file, stalls), assay_probe_stalls,
                                value_at<std::uint64_t>(fd_, offsetof(assay_probe_file, stall_count)), next_stall_,
                                lost_, [&found](const assay_probe_stall& raw) { found.push_back(stall_of(raw)); });
  return found;
}

std::vector<blocking_event> probe_reader::new_events() {
  std::vector<blocking_event> found;
  drain_ring<assay_probe_event>(fd_, offsetof(assay_probe_file, events), assay_probe_events,
                                value_at<std::uint64_t>(fd_, offsetof(assay_probe_file, event_count)), next_event_,
                                lost_, [&found](const assay_probe_event& raw) { found.push_back(event_of(raw)); });
  return found;
}

}  // namespace assay::inside
