#include "lab/inside/syscall_sampler.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "lab/inside/proc.hpp"

namespace assay::inside {
namespace {

constexpr std::uint64_t blind_after_ns = 3 * syscall_sampler::period_ns;

// What the architecture has of the family.
constexpr auto epoll_calls = std::to_array<long>({
#ifdef SYS_epoll_wait
    SYS_epoll_wait,
#endif
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
});
// -1 where the kernel has none: short waits are not seen then.
int open_of_task(std::uint32_t pid, std::uint32_t tid, std::string_view name) {
  return ::open(fmt::format("/proc/{}/task/{}/{}", pid, tid, name).c_str(), O_RDONLY | O_CLOEXEC);
}

// "run_ns wait_ns slices"
std::uint64_t slices_of(std::string_view schedstat) {
  std::uint64_t slices = 0;
  const auto last = schedstat.rfind(' ');
  if (last == std::string_view::npos) return 0;
  std::from_chars(schedstat.data() + last + 1, schedstat.data() + schedstat.size(), slices);
  return slices;
}

std::string syscall_path(std::uint32_t pid, std::uint32_t tid) {
  return fmt::format("/proc/{}/task/{}/syscall", pid, tid);
}

}  // namespace

std::optional<long> parse_syscall(std::string_view text) {
  long number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr == text.data() + text.size() || *parsed.ptr != ' ' || number < 0) {
    return std::nullopt;
  }
  return number;
}

bool is_epoll_wait(long number) { return std::ranges::find(epoll_calls, number) != epoll_calls.end(); }
bool is_io_uring_wait(long number) { return number == SYS_io_uring_enter; }
bool is_wait_of_loop(long number) { return is_epoll_wait(number) || is_io_uring_wait(number); }

std::expected<std::optional<long>, int> current_syscall(std::uint32_t pid, std::uint32_t tid) {
  const auto text = read_text(syscall_path(pid, tid));
  if (!text) return std::unexpected(text.error());
  return parse_syscall(*text);
}

sampled_thread::sampled_thread(std::uint32_t tid, std::string name, std::uint64_t now_ns, std::uint64_t generation)
    : buckets_(assay_probe_buckets) {
  state_.tid = tid;
  state_.generation = generation;
  state_.name = std::move(name);
  state_.began_ns = now_ns;
}

void sampled_thread::sample(std::uint64_t now_ns, bool parked, bool slept) {
  const auto before_ns = std::exchange(last_ns_, now_ns);
  const auto cut_ns = std::exchange(cut_ns_, 0);
  if (!parked && !slept) {
    if (state_.busy_since_ns == 0) state_.busy_since_ns = now_ns;
    return;
  }
  if (state_.busy_since_ns != 0 && cut_ns != 0) {
    close(cut_ns);
    state_.busy_since_ns = cut_ns;
  }
  if (!parked && state_.busy_since_ns != 0 && now_ns - before_ns > blind_after_ns) {
    close(before_ns);  // nobody has looked for long: that it was busy all the time is less likely than that it was not
    state_.busy_since_ns = now_ns;
    return;
  }
  if (parked) {
    if (state_.busy_since_ns != 0) close(now_ns);
  } else if (state_.busy_since_ns == 0) {
    state_.busy_since_ns = now_ns;
  } else {
    cut_ns_ = before_ns + (now_ns - before_ns) / 2;
  }
}

void sampled_thread::close(std::uint64_t end_ns) {
  const auto length_ns = end_ns - std::min(end_ns, state_.busy_since_ns);
  auto& bucket = buckets_[assay_probe_bucket_of(length_ns)];
  const auto length = static_cast<double>(length_ns);
  ++bucket.count;
  bucket.sum_ns += length;
  bucket.sum_squares += length * length;
  if (length_ns >= ASSAY_PROBE_STALL_NS && stalls_.size() < most_stalls) {
    stalls_.push_back({state_.tid, state_.busy_since_ns, length_ns});
  }
  state_.busy_since_ns = 0;
  ++state_.waits;
}

void sampled_thread::end(std::uint64_t now_ns) {
  if (state_.ended_ns != 0) return;
  state_.ended_ns = now_ns;
  state_.busy_since_ns = 0;
}

thread_counters sampled_thread::counters() const {
  auto counters = state_;
  for (std::uint16_t i = 0; i < assay_probe_buckets; ++i) {
    if (buckets_[i].count > 0) counters.buckets.emplace_back(i, buckets_[i]);
  }
  return counters;
}

syscall_sampler::~syscall_sampler() {
  stopping_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
  for (auto& one : targets_) close(one);
  if (timer_ >= 0) ::close(timer_);
}

bool syscall_sampler::watches(std::uint32_t pid, std::uint32_t tid) const {
  const std::scoped_lock lock(mutex_);
  // Not one that has ended: its number may be another's by now.
  return std::ranges::any_of(targets_,
                             [pid, tid](const target& one) { return one.pid == pid && one.tid == tid && one.fd >= 0; });
}

std::expected<bool, std::string> syscall_sampler::watch(std::uint32_t pid, std::uint32_t tid) {
  const std::scoped_lock lock(mutex_);
  if (targets_.size() >= most_threads) return false;
  const auto path = syscall_path(pid, tid);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(fmt::format("{}: {}", path, std::strerror(errno)));
  auto name = read_text(fmt::format("/proc/{}/task/{}/comm", pid, tid)).value_or("");
  std::erase(name, '\n');
  targets_.push_back({.pid = pid, .tid = tid, .fd = fd, .thread = sampled_thread(tid, name, monotonic_ns(), ++begun_)});
  targets_.back().schedstat = open_of_task(pid, tid, "schedstat");
  targets_.back().status = open_of_task(pid, tid, "status");
  if (timer_ >= 0) return true;
  timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
  const itimerspec period{{0, static_cast<long>(period_ns)}, {0, static_cast<long>(period_ns)}};
  if (timer_ < 0 || ::timerfd_settime(timer_, 0, &period, nullptr) != 0) {
    return std::unexpected(fmt::format("a timer for syscall sampling: {}", std::strerror(errno)));
  }
  thread_ = std::thread([this] { run(); });
  return true;
}

void syscall_sampler::run() {
  std::uint64_t expirations = 0;
  while (!stopping_.load(std::memory_order_relaxed)) {
    if (::read(timer_, &expirations, sizeof expirations) != sizeof expirations) continue;
    if (expirations > 1) missed_.fetch_add(expirations - 1, std::memory_order_relaxed);
    sample_all();
    cpu_ns_.store(thread_cpu_ns(), std::memory_order_relaxed);
  }
}

void syscall_sampler::sample_all() {
  const std::scoped_lock lock(mutex_);
  for (auto& one : targets_) {
    if (one.fd < 0) continue;
    char text[256];
    const auto got = ::pread(one.fd, text, sizeof text, 0);
    const auto now = monotonic_ns();
    if (got <= 0) {  // the thread has ended
      one.thread.end(now);
      close(one);
      continue;
    }
    sample(one, now, parse_syscall(std::string_view(text, static_cast<std::size_t>(got))));
  }
}

// A thread that sleeps in other calls as well may have slept in one of those: its segments are not cut.
void syscall_sampler::sample(target& one, std::uint64_t now_ns, std::optional<long> call) {
  const bool parked = call && is_wait_of_loop(*call);
  if (parked) {
    one.blocks = false;
  } else if (call) {
    one.blocks = true;
  }
  one.thread.sample(now_ns, parked, !parked && slept(one) && !one.blocks);
}

// Since this was last asked. The long text is read only when the short one says that it was off the CPU.
bool syscall_sampler::slept(target& one) {
  char text[4096];
  const auto short_text = ::pread(one.schedstat, text, sizeof text, 0);
  if (short_text <= 0) return false;
  const auto slices = slices_of(std::string_view(text, static_cast<std::size_t>(short_text)));
  if (std::exchange(one.slices, slices) == slices) return false;
  const auto long_text = ::pread(one.status, text, sizeof text, 0);
  if (long_text <= 0) return false;
  const auto voluntary =
      status_value(std::string_view(text, static_cast<std::size_t>(long_text)), "voluntary_ctxt_switches");
  return voluntary > std::exchange(one.voluntary, voluntary);
}

void syscall_sampler::close(target& one) {
  for (int* fd : {&one.fd, &one.schedstat, &one.status}) {
    if (*fd >= 0) ::close(std::exchange(*fd, -1));
  }
}

std::vector<syscall_sampler::reading> syscall_sampler::take() {
  const std::scoped_lock lock(mutex_);
  std::vector<reading> readings;
  readings.reserve(targets_.size());
  for (auto& one : targets_) readings.push_back({one.pid, one.thread.counters(), one.thread.take_stalls()});
  std::erase_if(targets_, [](const target& one) { return one.fd < 0; });  // its last: others may have its place
  return readings;
}

}  // namespace assay::inside
