#include "stack/observe/stack_capture.hpp"

#include <semaphore.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

#include "stack/runtime/clock.hpp"
#include "stack/runtime/pulse.hpp"

namespace assay::observe {
namespace {

constexpr int capture_signal = SIGURG;

enum class phase : std::uint8_t { idle, asked, writing, written };

// Never freed, since a handler may come late. One capture at a time.
struct capture_area {
  std::mutex one_at_a_time;
  std::atomic<phase> state{phase::idle};
  std::atomic<pthread_t> whom{};
  sem_t news;
  captured_stack seen;
  std::uintptr_t interrupted_at = 0;  // frames before it are the handler's own
  bool past_handler = false;
};

capture_area& area() {
  static auto& only = *new capture_area;
  return only;
}

_Unwind_Reason_Code on_frame(_Unwind_Context* frame, void*) {
  capture_area& into = area();
  const std::uintptr_t at = _Unwind_GetIP(frame);
  into.past_handler = into.past_handler || at == into.interrupted_at;
  if (!into.past_handler) return _URC_NO_REASON;
  if (into.seen.frame_count == max_captured_frames) return _URC_END_OF_STACK;
  into.seen.frames[into.seen.frame_count++] = at;
  return _URC_NO_REASON;
}

std::uintptr_t interrupted_address(const void* context) {
#if defined(__x86_64__)
  return static_cast<std::uintptr_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
#elif defined(__aarch64__)
  return static_cast<std::uintptr_t>(static_cast<const ucontext_t*>(context)->uc_mcontext.pc);
#else
  static_cast<void>(context);
  return 0;
#endif
}

void on_signal(int, siginfo_t*, void* context) {
  capture_area& into = area();
  phase expected = phase::asked;
  // Anybody may send this signal, and one of ours may come after its time.
  if (!into.state.compare_exchange_strong(expected, phase::writing)) return;
  if (::pthread_equal(into.whom.load(), ::pthread_self()) == 0) {
    into.state.store(phase::asked);
    return;
  }
  const int saved_errno = errno;
  into.seen = {};
  into.interrupted_at = interrupted_address(context);
  into.past_handler = into.interrupted_at == 0;
  if (const loop_pulse* here = pulse_of_this_thread()) {
    if (const task_record* task = here->running.load(std::memory_order_relaxed)) {
      into.seen.spawned = task->where;
      into.seen.request_id = task->request_id;
    }
  }
  _Unwind_Backtrace(&on_frame, nullptr);
  into.state.store(phase::written);
  ::sem_post(&into.news);
  errno = saved_errno;
}

_Unwind_Reason_Code only_load(_Unwind_Context*, void*) { return _URC_END_OF_STACK; }

void install_handler() {
  ::sem_init(&area().news, 0, 0);
  _Unwind_Backtrace(&only_load, nullptr);
  struct sigaction action{};
  action.sa_sigaction = &on_signal;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(capture_signal, &action, nullptr);
}

timespec at_the_latest(duration limit) {
  return assay::detail::to_timespec((assay::detail::monotonic_now() + limit).time_since_epoch());
}

}  // namespace

result<captured_stack> capture_stack(pthread_t of, duration limit) {
  static const bool installed = (install_handler(), true);
  static_cast<void>(installed);
  capture_area& shared = area();
  const std::lock_guard lock(shared.one_at_a_time);
  // What is written already came after its time.
  if (shared.state.load() == phase::writing) {
    return std::unexpected(error{.code = errc::limit, .what = "another thread still writes its stack"});
  }
  shared.whom.store(of);
  shared.state.store(phase::asked);
  if (const int failed = ::pthread_kill(of, capture_signal); failed != 0) {
    shared.state.store(phase::idle);
    return std::unexpected(from_errno(failed, "pthread_kill"));
  }
  const timespec until = at_the_latest(limit);
  int waited = 0;
  do {  // a signal's end, and news of an answer that came too late, end no wait
    waited = ::sem_clockwait(&shared.news, CLOCK_MONOTONIC, &until);
  } while ((waited != 0 && errno == EINTR) || (waited == 0 && shared.state.load() != phase::written));
  if (waited == 0) return shared.seen;
  // Taken back, unless it has begun just now: then the next capture finds it written, or is refused.
  phase expected = phase::asked;
  shared.state.compare_exchange_strong(expected, phase::idle);
  return std::unexpected(error{.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "stack capture"});
}

}  // namespace assay::observe
