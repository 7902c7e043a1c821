#include "stack/runtime/pulse.hpp"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "stack/runtime/socket_setup.hpp"

namespace assay {
namespace {

struct running_list {
  std::mutex mutex;
  intrusive_list<loop_pulse> loops;
  std::vector<int> told;  // eventfds
};

// Never destroyed: a loop on another thread may still run when the process exits.
running_list& running() {
  static auto& only = *new running_list;
  return only;
}

thread_local loop_pulse* here = nullptr;

unsigned lowest_free_number(const intrusive_list<loop_pulse>& loops) {
  std::vector<unsigned> taken;
  loops.for_each([&taken](const loop_pulse& each) { taken.push_back(each.number); });
  unsigned number = 0;
  while (std::ranges::find(taken, number) != taken.end()) number++;
  return number;
}

void tell_all(const running_list& all) {
  for (const int event_fd : all.told) detail::signal_eventfd(event_fd);
}

}  // namespace

void for_each_running_loop(const std::function<void(loop&, loop_pulse&)>& visit) {
  running_list& all = running();
  const std::lock_guard lock(all.mutex);
  all.loops.for_each([&visit](loop_pulse& each) { visit(*each.of, each); });
}

void tell_of_new_loops(int event_fd) {
  const std::lock_guard lock(running().mutex);
  running().told.push_back(event_fd);
}

void tell_no_more_of_loops(int event_fd) {
  const std::lock_guard lock(running().mutex);
  std::erase(running().told, event_fd);
  running().loops.for_each([](loop_pulse& each) { each.alarm.end_watch(); });
  tell_all(running());
}

loop_pulse* pulse_of_this_thread() noexcept { return here; }

namespace detail {

running_loop::running_loop(loop_pulse& entered) : pulse_(entered), outer_(std::exchange(here, &entered)) {
  running_list& all = running();
  const std::lock_guard lock(all.mutex);
  pulse_.thread = ::pthread_self();
  pulse_.number = lowest_free_number(all.loops);
  all.loops.push_back(pulse_);
  tell_all(all);
}

running_loop::~running_loop() {
  const std::lock_guard lock(running().mutex);
  pulse_.unlink();
  pulse_.alarm.end_watch();
  pulse_.busy_since_ns.store(0, std::memory_order_relaxed);
  here = outer_;
}

}  // namespace detail

}  // namespace assay
