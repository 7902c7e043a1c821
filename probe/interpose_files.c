// Files: what opens them, reads and writes at a place, copies, and waits for a lock on them. Their names stand in
// interpose_paths.c.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "probe/call.h"

ssize_t __pread_chk(int fd, void* data, size_t count, off_t at, size_t size);
ssize_t __pread64_chk(int fd, void* data, size_t count, off64_t at, size_t size);

// The mode is there only when something may be made.
#define MODE_OF(flags)                                                    \
  ({                                                                      \
    mode_t wanted = 0;                                                    \
    if (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE) { \
      va_list more;                                                       \
      va_start(more, flags);                                              \
      wanted = va_arg(more, mode_t);                                      \
      va_end(more);                                                       \
    }                                                                     \
    wanted;                                                               \
  })

EXPORT int open(const char* path, int flags, ...) {
  const mode_t mode = MODE_OF(flags);
  CALL(int, assay_call_open, OPENED(path), REAL(open)(path, flags, mode));
}

EXPORT int open64(const char* path, int flags, ...) {
  const mode_t mode = MODE_OF(flags);
  CALL(int, assay_call_open, OPENED(path), REAL(open64)(path, flags, mode));
}

EXPORT int openat(int folder, const char* path, int flags, ...) {
  const mode_t mode = MODE_OF(flags);
  CALL(int, assay_call_open, OPENED(path), REAL(openat)(folder, path, flags, mode));
}

EXPORT int openat64(int folder, const char* path, int flags, ...) {
  const mode_t mode = MODE_OF(flags);
  CALL(int, assay_call_open, OPENED(path), REAL(openat64)(folder, path, flags, mode));
}

EXPORT FILE* fopen(const char* restrict path, const char* restrict mode) {
  CALL(FILE*, assay_call_open, OPENED(path), REAL(fopen)(path, mode));
}

EXPORT FILE* fopen64(const char* restrict path, const char* restrict mode) {
  CALL(FILE*, assay_call_open, OPENED(path), REAL(fopen64)(path, mode));
}

EXPORT ssize_t pread(int fd, void* data, size_t count, off_t at) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(pread)(fd, data, count, at));
}

EXPORT ssize_t pread64(int fd, void* data, size_t count, off64_t at) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(pread64)(fd, data, count, at));
}

EXPORT ssize_t __pread_chk(int fd, void* data, size_t count, off_t at, size_t size) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(__pread_chk)(fd, data, count, at, size));
}

EXPORT ssize_t __pread64_chk(int fd, void* data, size_t count, off64_t at, size_t size) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(__pread64_chk)(fd, data, count, at, size));
}

EXPORT ssize_t pwrite(int fd, const void* data, size_t count, off_t at) {
  CALL(ssize_t, assay_call_write, DESCRIPTOR(fd), REAL(pwrite)(fd, data, count, at));
}

EXPORT ssize_t pwrite64(int fd, const void* data, size_t count, off64_t at) {
  CALL(ssize_t, assay_call_write, DESCRIPTOR(fd), REAL(pwrite64)(fd, data, count, at));
}

EXPORT ssize_t preadv(int fd, const struct iovec* pieces, int count, off_t at) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(preadv)(fd, pieces, count, at));
}

EXPORT ssize_t pwritev(int fd, const struct iovec* pieces, int count, off_t at) {
  CALL(ssize_t, assay_call_write, DESCRIPTOR(fd), REAL(pwritev)(fd, pieces, count, at));
}

EXPORT ssize_t preadv64(int fd, const struct iovec* pieces, int count, off64_t at) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(preadv64)(fd, pieces, count, at));
}

EXPORT ssize_t pwritev64(int fd, const struct iovec* pieces, int count, off64_t at) {
  CALL(ssize_t, assay_call_write, DESCRIPTOR(fd), REAL(pwritev64)(fd, pieces, count, at));
}

EXPORT ssize_t preadv2(int fd, const struct iovec* pieces, int count, off_t at, int flags) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(preadv2)(fd, pieces, count, at, flags));
}

EXPORT ssize_t pwritev2(int fd, const struct iovec* pieces, int count, off_t at, int flags) {
  CALL(ssize_t, assay_call_write, DESCRIPTOR(fd), REAL(pwritev2)(fd, pieces, count, at, flags));
}

EXPORT ssize_t preadv64v2(int fd, const struct iovec* pieces, int count, off64_t at, int flags) {
  CALL(ssize_t, assay_call_read, DESCRIPTOR(fd), REAL(preadv64v2)(fd, pieces, count, at, flags));
}

EXPORT ssize_t pwritev64v2(int fd, const struct iovec* pieces, int count, off64_t at, int flags) {
  CALL(ssize_t, assay_call_write, DESCRIPTOR(fd), REAL(pwritev64v2)(fd, pieces, count, at, flags));
}

EXPORT ssize_t sendfile(int to, int from, off_t* at, size_t count) {
  CALL(ssize_t, assay_call_sendfile, COPIED(to, from), REAL(sendfile)(to, from, at, count));
}

EXPORT ssize_t sendfile64(int to, int from, off64_t* at, size_t count) {
  CALL(ssize_t, assay_call_sendfile, COPIED(to, from), REAL(sendfile64)(to, from, at, count));
}

EXPORT ssize_t copy_file_range(int from, off64_t* from_at, int to, off64_t* to_at, size_t count, unsigned flags) {
  CALL(ssize_t, assay_call_copy_file_range, COPIED(to, from),
       REAL(copy_file_range)(from, from_at, to, to_at, count, flags));
}

static bool waits_for_lock(int command) { return command == F_SETLKW || command == F_OFD_SETLKW; }

// Whatever the argument is, a number or an address: it is handed on as it came.
EXPORT int fcntl(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  void* argument = va_arg(more, void*);
  va_end(more);
  if (!waits_for_lock(command)) return REAL(fcntl)(fd, command, argument);
  CALL(int, assay_call_flock, DESCRIPTOR(fd), REAL(fcntl)(fd, command, argument));
}

EXPORT int fcntl64(int fd, int command, ...) {
  va_list more;
  va_start(more, command);
  void* argument = va_arg(more, void*);
  va_end(more);
  if (!waits_for_lock(command)) return REAL(fcntl64)(fd, command, argument);
  CALL(int, assay_call_flock, DESCRIPTOR(fd), REAL(fcntl64)(fd, command, argument));
}
