// The poll family: a wait of the loop ends a busy segment; a wait of a loop thread for one or two descriptors is a
// blocking call.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/real.h"
#include "probe/record.h"

int __poll_chk(struct pollfd* fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd* fds, nfds_t count, const struct timespec* timeout, const sigset_t* mask, size_t size);

static bool is_zero(const struct timespec* timeout) {
  return timeout != NULL && timeout->tv_sec == 0 && timeout->tv_nsec == 0;
}

// What a wait that is no boundary was for.
struct waited {
  enum assay_probe_call call;
  int descriptor;
};

static void wait_returned(enum wait_role role, uint64_t start_ns, bool zero, int ready, struct waited waited) {
  int kept = errno;
  if (role == wait_of_loop) {
    probe_segment_begins(start_ns, zero, ready);
  } else {
    probe_call_returned(waited.call, start_ns, (struct probe_subject){.descriptor = waited.descriptor});
  }
  errno = kept;
}

// One pattern for the family. `real` is evaluated once; the subject after it.
#define WAIT(role_value, zero_value, real, subject)              \
  do {                                                           \
    const enum wait_role role = (role_value);                    \
    if (role == wait_ignored) return (real);                     \
    const uint64_t start = probe_now();                          \
    if (role == wait_of_loop) probe_segment_ends(start);         \
    const int result = (real);                                   \
    wait_returned(role, start, (zero_value), result, (subject)); \
    return result;                                               \
  } while (0)

static struct waited fresh_member(void) { return (struct waited){assay_call_poll_in, probe_self.fresh_member}; }

EXPORT int epoll_create(int size) {
  int epoll = REAL(epoll_create)(size);
  probe_epoll_made(epoll);
  return epoll;
}

EXPORT int epoll_create1(int flags) {
  int epoll = REAL(epoll_create1)(flags);
  probe_epoll_made(epoll);
  return epoll;
}

EXPORT int epoll_ctl(int epoll, int operation, int descriptor, struct epoll_event* event) {
  if (operation == EPOLL_CTL_ADD && epoll == probe_self.fresh_epoll) probe_self.fresh_member = descriptor;
  return REAL(epoll_ctl)(epoll, operation, descriptor, event);
}

EXPORT int epoll_wait(int epoll, struct epoll_event* events, int capacity, int timeout) {
  WAIT(probe_epoll_role(epoll), timeout == 0, REAL(epoll_wait)(epoll, events, capacity, timeout), fresh_member());
}

EXPORT int epoll_pwait(int epoll, struct epoll_event* events, int capacity, int timeout, const sigset_t* mask) {
  WAIT(probe_epoll_role(epoll), timeout == 0, REAL(epoll_pwait)(epoll, events, capacity, timeout, mask),
       fresh_member());
}

// glibc has it since 2.35: a program that asks for it gets the kernel's answer also where libc has none.
static int real_epoll_pwait2(int epoll, struct epoll_event* events, int capacity, const struct timespec* timeout,
                             const sigset_t* mask) {
  __typeof__(&epoll_pwait2) next = REAL(epoll_pwait2);
  if (next != NULL) return next(epoll, events, capacity, timeout, mask);
  return (int)syscall(SYS_epoll_pwait2, epoll, events, capacity, timeout, mask, _NSIG / 8);
}

EXPORT int epoll_pwait2(int epoll, struct epoll_event* events, int capacity, const struct timespec* timeout,
                        const sigset_t* mask) {
  WAIT(probe_epoll_role(epoll), is_zero(timeout), real_epoll_pwait2(epoll, events, capacity, timeout, mask),
       fresh_member());
}

// The descriptor that is ready, else the first; without any it was a sleep.
static struct waited of_poll(const struct pollfd* fds, nfds_t count) {
  if (count == 0) return (struct waited){assay_call_sleep, -1};
  const struct pollfd* chosen = &fds[0];
  for (nfds_t i = 0; i < count && chosen->revents == 0; ++i) {
    if (fds[i].revents != 0) chosen = &fds[i];
  }
  bool reads = (chosen->events & (POLLIN | POLLPRI)) != 0;
  return (struct waited){reads ? assay_call_poll_in : assay_call_poll_out, chosen->fd};
}

EXPORT int poll(struct pollfd* fds, nfds_t count, int timeout) {
  WAIT(probe_poll_role((unsigned)count), timeout == 0, REAL(poll)(fds, count, timeout), of_poll(fds, count));
}

EXPORT int __poll_chk(struct pollfd* fds, nfds_t count, int timeout, size_t size) {
  WAIT(probe_poll_role((unsigned)count), timeout == 0, REAL(__poll_chk)(fds, count, timeout, size),
       of_poll(fds, count));
}

EXPORT int ppoll(struct pollfd* fds, nfds_t count, const struct timespec* timeout, const sigset_t* mask) {
  WAIT(probe_poll_role((unsigned)count), is_zero(timeout), REAL(ppoll)(fds, count, timeout, mask), of_poll(fds, count));
}

EXPORT int __ppoll_chk(struct pollfd* fds, nfds_t count, const struct timespec* timeout, const sigset_t* mask,
                       size_t size) {
  WAIT(probe_poll_role((unsigned)count), is_zero(timeout), REAL(__ppoll_chk)(fds, count, timeout, mask, size),
       of_poll(fds, count));
}

// The sets say what was asked only before the call: looked at then.
struct select_sets {
  unsigned descriptors;
  struct waited first;
};

static struct select_sets look_at_sets(int limit, const fd_set* in, const fd_set* out, const fd_set* except) {
  struct select_sets sets = {0, {assay_call_sleep, -1}};
  if (!probe_enabled || probe_self.inside) return sets;
  // Programs give the limit of descriptors, a million, with sets of 1024: the kernel looks no further than it has
  // files.
  if (limit > FD_SETSIZE) limit = FD_SETSIZE;
  for (int fd = 0; fd < limit; ++fd) {
    bool reads = in != NULL && FD_ISSET(fd, in);
    if (!reads && !(out != NULL && FD_ISSET(fd, out)) && !(except != NULL && FD_ISSET(fd, except))) continue;
    if (sets.descriptors++ == 0) sets.first = (struct waited){reads ? assay_call_poll_in : assay_call_poll_out, fd};
    if (sets.descriptors >= 3) break;
  }
  return sets;
}

EXPORT int select(int limit, fd_set* in, fd_set* out, fd_set* except, struct timeval* timeout) {
  const struct select_sets sets = look_at_sets(limit, in, out, except);
  const bool zero = timeout != NULL && timeout->tv_sec == 0 && timeout->tv_usec == 0;
  WAIT(probe_poll_role(sets.descriptors), zero, REAL(select)(limit, in, out, except, timeout), sets.first);
}

EXPORT int pselect(int limit, fd_set* in, fd_set* out, fd_set* except, const struct timespec* timeout,
                   const sigset_t* mask) {
  const struct select_sets sets = look_at_sets(limit, in, out, except);
  WAIT(probe_poll_role(sets.descriptors), is_zero(timeout), REAL(pselect)(limit, in, out, except, timeout, mask),
       sets.first);
}
