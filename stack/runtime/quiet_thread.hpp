// A thread that takes no signals: they are for those who wait for them, and a service may start this thread before it
// says so (stop_signals has to be created before any thread that would be killed).
//
// Misuse: a body that throws; as in any thread, it ends the process.
#pragma once

#include <pthread.h>

#include <csignal>
#include <thread>
#include <utility>

namespace assay::detail {

template <class Body>
std::thread quiet_thread(Body body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits it
  std::thread started(std::move(body));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return started;
}

}  // namespace assay::detail
