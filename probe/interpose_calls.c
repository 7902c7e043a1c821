// Calls that may block. On a thread that is no loop they pass through behind one test of a thread-local.
#define _GNU_SOURCE
#include <netdb.h>
#include <semaphore.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe/call.h"

ssize_t __read_chk(int fd, void* data, size_t count, size_t size);
ssize_t __recv_chk(int fd, void* data, size_t count, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void* data, size_t count, size_t size, int flags, struct sockaddr* from,
                       socklen_t* length);

EXPORT ssize_t recv(int fd, void* data, size_t count, int flags) {
  CALL(ssize_t, assay_call_recv, DESCRIPTOR(fd), REAL(recv)(fd, data, count, flags));
}

EXPORT ssize_t __recv_chk(int fd, void* data, size_t count, size_t size, int flags) {
  CALL(ssize_t, assay_call_recv, DESCRIPTOR(fd), REAL(__recv_chk)(fd, data, count, size, flags));
}

EXPORT ssize_t recvfrom(int fd, void* restrict data, size_t count, int flags, struct sockaddr* restrict from,
                        socklen_t* restrict length) {
  CALL(ssize_t, assay_call_recv, DESCRIPTOR(fd), REAL(recvfrom)(fd, data, count, flags, from, length));
}

EXPORT ssize_t __recvfrom_chk(int fd, void* data, size_t count, size_t size, int flags, struct sockaddr* from,
                              socklen_t* length) {
  CALL(ssize_t, assay_call_recv, DESCRIPTOR(fd), REAL(__recvfrom_chk)(fd, data, count, size, flags, from, length));
}

EXPORT ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  CALL(ssize_t, assay_call_recv, DESCRIPTOR(fd), REAL(recvmsg)(fd, message, flags));
}

EXPORT ssize_t read(int fd, void* data, size_t count) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(read)(fd, data, count));
}

EXPORT ssize_t __read_chk(int fd, void* data, size_t count, size_t size) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(__read_chk)(fd, data, count, size));
}

EXPORT ssize_t readv(int fd, const struct iovec* pieces, int count) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(readv)(fd, pieces, count));
}

// It is also how CPython hands over its stack.
EXPORT ssize_t write(int fd, const void* data, size_t count) {
  if (__builtin_expect(fd == probe_captured, 0)) return probe_capture(data, count);
  CALL(ssize_t, assay_call_write, DESCRIPTOR(fd), REAL(write)(fd, data, count));
}

EXPORT ssize_t writev(int fd, const struct iovec* pieces, int count) {
  CALL(ssize_t, assay_call_write, DESCRIPTOR(fd), REAL(writev)(fd, pieces, count));
}

EXPORT ssize_t send(int fd, const void* data, size_t count, int flags) {
  CALL(ssize_t, assay_call_send, DESCRIPTOR(fd), REAL(send)(fd, data, count, flags));
}

EXPORT ssize_t sendto(int fd, const void* data, size_t count, int flags, const struct sockaddr* to, socklen_t length) {
  CALL(ssize_t, assay_call_send, DESCRIPTOR(fd), REAL(sendto)(fd, data, count, flags, to, length));
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  CALL(ssize_t, assay_call_send, DESCRIPTOR(fd), REAL(sendmsg)(fd, message, flags));
}

EXPORT int connect(int fd, const struct sockaddr* address, socklen_t length) {
  CALL(int, assay_call_connect,
       ((struct probe_subject){.descriptor = fd, .address = address, .address_length = length}),
       REAL(connect)(fd, address, length));
}

EXPORT int accept(int fd, struct sockaddr* restrict from, socklen_t* restrict length) {
  CALL(int, assay_call_accept, DESCRIPTOR(fd), REAL(accept)(fd, from, length));
}

EXPORT int accept4(int fd, struct sockaddr* restrict from, socklen_t* restrict length, int flags) {
  CALL(int, assay_call_accept, DESCRIPTOR(fd), REAL(accept4)(fd, from, length, flags));
}

// What the resolver calls itself belongs to it.
EXPORT int getaddrinfo(const char* restrict host, const char* restrict service, const struct addrinfo* restrict hints,
                       struct addrinfo** restrict result) {
  if (!probe_watches()) return REAL(getaddrinfo)(host, service, hints, result);
  const uint64_t start = probe_now();
  probe_self.inside = true;
  const int code = REAL(getaddrinfo)(host, service, hints, result);
  probe_self.inside = false;
  probe_call_returned(assay_call_getaddrinfo, start, (struct probe_subject){.descriptor = -1, .host = host});
  return code;
}

EXPORT int fsync(int fd) { CALL(int, assay_call_fsync, DESCRIPTOR(fd), REAL(fsync)(fd)); }

EXPORT int fdatasync(int fd) { CALL(int, assay_call_fdatasync, DESCRIPTOR(fd), REAL(fdatasync)(fd)); }

EXPORT int flock(int fd, int operation) { CALL(int, assay_call_flock, DESCRIPTOR(fd), REAL(flock)(fd, operation)); }

EXPORT int nanosleep(const struct timespec* length, struct timespec* rest) {
  CALL(int, assay_call_sleep, NOTHING, REAL(nanosleep)(length, rest));
}

EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec* until, struct timespec* rest) {
  CALL(int, assay_call_sleep, NOTHING, REAL(clock_nanosleep)(clock, flags, until, rest));
}

EXPORT int usleep(useconds_t length) { CALL(int, assay_call_sleep, NOTHING, REAL(usleep)(length)); }

EXPORT unsigned sleep(unsigned length) { CALL(unsigned, assay_call_sleep, NOTHING, REAL(sleep)(length)); }

EXPORT int sem_wait(sem_t* semaphore) { CALL(int, assay_call_lock, NOTHING, REAL(sem_wait)(semaphore)); }

EXPORT int sem_timedwait(sem_t* restrict semaphore, const struct timespec* restrict until) {
  CALL(int, assay_call_lock, NOTHING, REAL(sem_timedwait)(semaphore, until));
}

EXPORT int sem_clockwait(sem_t* restrict semaphore, clockid_t clock, const struct timespec* restrict until) {
  CALL(int, assay_call_lock, NOTHING, REAL(sem_clockwait)(semaphore, clock, until));
}

EXPORT pid_t wait(int* status) { CALL(pid_t, assay_call_waitpid, NOTHING, REAL(wait)(status)); }

EXPORT pid_t wait3(int* status, int options, struct rusage* usage) {
  CALL(pid_t, assay_call_waitpid, NOTHING, REAL(wait3)(status, options, usage));
}

EXPORT pid_t waitpid(pid_t pid, int* status, int options) {
  CALL(pid_t, assay_call_waitpid, NOTHING, REAL(waitpid)(pid, status, options));
}

EXPORT pid_t wait4(pid_t pid, int* status, int options, struct rusage* usage) {
  CALL(pid_t, assay_call_waitpid, NOTHING, REAL(wait4)(pid, status, options, usage));
}

EXPORT int waitid(idtype_t kind, id_t id, siginfo_t* about, int options) {
  CALL(int, assay_call_waitpid, NOTHING, REAL(waitid)(kind, id, about, options));
}
