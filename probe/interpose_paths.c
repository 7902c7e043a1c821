// Names of files: what looks at them, takes them away and changes them. On a disk that is slow or far each may wait.
//
// Programs that were built with glibc before 2.33 ask by the names with underscores, which that had for all.
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probe/call.h"

int __xstat(int version, const char* path, struct stat* about);
int __xstat64(int version, const char* path, struct stat64* about);
int __lxstat(int version, const char* path, struct stat* about);
int __lxstat64(int version, const char* path, struct stat64* about);
int __fxstat(int version, int fd, struct stat* about);
int __fxstat64(int version, int fd, struct stat64* about);
int __fxstatat(int version, int folder, const char* path, struct stat* about, int flags);
int __fxstatat64(int version, int folder, const char* path, struct stat64* about, int flags);

#define STAT_PATH(name, type)                                               \
  EXPORT int name(const char* restrict path, struct type* restrict about) { \
    CALL(int, assay_call_stat, OPENED(path), REAL(name)(path, about));      \
  }
#define STAT_DESCRIPTOR(name, type) \
  EXPORT int name(int fd, struct type* about) { CALL(int, assay_call_stat, DESCRIPTOR(fd), REAL(name)(fd, about)); }
#define STAT_AT(name, type)                                                                        \
  EXPORT int name(int folder, const char* restrict path, struct type* restrict about, int flags) { \
    CALL(int, assay_call_stat, OPENED(path), REAL(name)(folder, path, about, flags));              \
  }
#define OLD_STAT_PATH(name, type)                                               \
  EXPORT int name(int version, const char* path, struct type* about) {          \
    CALL(int, assay_call_stat, OPENED(path), REAL(name)(version, path, about)); \
  }
#define OLD_STAT_DESCRIPTOR(name, type)                                         \
  EXPORT int name(int version, int fd, struct type* about) {                    \
    CALL(int, assay_call_stat, DESCRIPTOR(fd), REAL(name)(version, fd, about)); \
  }
#define OLD_STAT_AT(name, type)                                                                \
  EXPORT int name(int version, int folder, const char* path, struct type* about, int flags) {  \
    CALL(int, assay_call_stat, OPENED(path), REAL(name)(version, folder, path, about, flags)); \
  }

STAT_PATH(stat, stat)
STAT_PATH(stat64, stat64)
STAT_PATH(lstat, stat)
STAT_PATH(lstat64, stat64)
STAT_DESCRIPTOR(fstat, stat)
STAT_DESCRIPTOR(fstat64, stat64)
STAT_AT(fstatat, stat)
STAT_AT(fstatat64, stat64)
OLD_STAT_PATH(__xstat, stat)
OLD_STAT_PATH(__xstat64, stat64)
OLD_STAT_PATH(__lxstat, stat)
OLD_STAT_PATH(__lxstat64, stat64)
OLD_STAT_DESCRIPTOR(__fxstat, stat)
OLD_STAT_DESCRIPTOR(__fxstat64, stat64)
OLD_STAT_AT(__fxstatat, stat)
OLD_STAT_AT(__fxstatat64, stat64)

EXPORT int statx(int folder, const char* restrict path, int flags, unsigned mask, struct statx* restrict about) {
  CALL(int, assay_call_stat, OPENED(path), REAL(statx)(folder, path, flags, mask, about));
}

EXPORT int unlink(const char* path) { CALL(int, assay_call_unlink, OPENED(path), REAL(unlink)(path)); }

EXPORT int unlinkat(int folder, const char* path, int flags) {
  CALL(int, assay_call_unlink, OPENED(path), REAL(unlinkat)(folder, path, flags));
}

EXPORT int rename(const char* path, const char* to) {
  CALL(int, assay_call_rename, OPENED(path), REAL(rename)(path, to));
}

EXPORT int renameat(int folder, const char* path, int to_folder, const char* to) {
  CALL(int, assay_call_rename, OPENED(path), REAL(renameat)(folder, path, to_folder, to));
}

EXPORT int renameat2(int folder, const char* path, int to_folder, const char* to, unsigned flags) {
  CALL(int, assay_call_rename, OPENED(path), REAL(renameat2)(folder, path, to_folder, to, flags));
}
