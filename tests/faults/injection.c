// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// Preloaded into a program (LD_PRELOAD), it counts the calls that change files below a folder and makes one of them, or
// all from one on, go wrong. Read from the environment:
//
//   TTFM_FAULT_UNDER  the folder; TTFM_FAULT_MATCH  a part of the path that has to be there; both absolute, and both optional
//   TTFM_FAULT_CALLS  names of functions, separated by commas; all of those below if it is not set
//   TTFM_FAULT_AT     number of the first call that goes wrong, from 1; 0 or not set: none does
//   TTFM_FAULT_COUNT  how many do: 1 if it is not set, 0: all from there on
//   TTFM_FAULT_DO     what happens: an error (ENOSPC, EIO, EINTR, EDQUOT, EROFS), "short" (half of a write is done), a
//                     signal that comes before the call (KILL, TERM, INT, USR1, USR2, PIPE), "half-KILL" (half of a write is
//                     done, then it comes), "KILL-after"
//   TTFM_FAULT_TRACE  a file that gets a line for each call that is counted: number, function, path
//   TTFM_FAULT_FREE   the bytes that every file system says are free
//   TTFM_FAULT_CLOCK  set: the time of day jumps by years, forth and back, whenever it is asked for
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

enum what { NOTHING, FAIL, SHORT, RAISE, HALF_AND_RAISE, RAISE_AFTER };

struct fault {
  enum what what;
  int number;  // errno or signal
};

static atomic_long calls;

static const char* setting(const char* name) {
  const char* value = getenv(name);
  return value && *value ? value : NULL;
}

static long number(const char* name, long otherwise) {
  const char* value = setting(name);
  return value ? atol(value) : otherwise;
}

static int listed(const char* list, const char* name) {
  const size_t length = strlen(name);
  for (const char* at = list; (at = strstr(at, name)); at += length) {
    if ((at == list || at[-1] == ',') && (at[length] == 0 || at[length] == ',')) return 1;
  }
  return 0;
}

static int error_of(const char* name) {
  if (!strcmp(name, "ENOSPC")) return ENOSPC;
  if (!strcmp(name, "EIO")) return EIO;
  if (!strcmp(name, "EINTR")) return EINTR;
  if (!strcmp(name, "EDQUOT")) return EDQUOT;
  if (!strcmp(name, "EROFS")) return EROFS;
  return 0;
}

static int signal_of(const char* name) {
  if (!strncmp(name, "KILL", 4)) return SIGKILL;
  if (!strncmp(name, "TERM", 4)) return SIGTERM;
  if (!strncmp(name, "INT", 3)) return SIGINT;
  if (!strncmp(name, "USR1", 4)) return SIGUSR1;
  if (!strncmp(name, "USR2", 4)) return SIGUSR2;
  if (!strncmp(name, "PIPE", 4)) return SIGPIPE;
  return 0;
}

static struct fault parse(const char* text) {
  struct fault fault = {NOTHING, 0};
  if ((fault.number = error_of(text))) {
    fault.what = FAIL;
  } else if (!strcmp(text, "short")) {
    fault.what = SHORT;
  } else if (!strncmp(text, "half-", 5)) {
    fault.what = HALF_AND_RAISE;
    fault.number = signal_of(text + 5);
  } else if ((fault.number = signal_of(text))) {
    fault.what = strstr(text, "-after") ? RAISE_AFTER : RAISE;
  }
  return fault;
}

static void trace(long call, const char* function, const char* path) {
  const char* file = setting("TTFM_FAULT_TRACE");
  if (!file) return;
  char line[PATH_MAX + 64];
  const int length = snprintf(line, sizeof line, "%ld %s %s\n", call, function, path);
  const int descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor < 0) return;
  syscall(SYS_write, descriptor, line, (size_t)length);
  syscall(SYS_close, descriptor);
}

// Counts the call, and says what is to happen to it. A signal that comes before it is raised here.
static struct fault judge(const char* function, const char* path) {
  const struct fault none = {NOTHING, 0};
  const int before = errno;
  const char* under = setting("TTFM_FAULT_UNDER");
  const char* match = setting("TTFM_FAULT_MATCH");
  const char* only = setting("TTFM_FAULT_CALLS");
  if (!under || strncmp(path, under, strlen(under)) || (match && !strstr(path, match)) ||
      (only && !listed(only, function))) {
    return none;
  }
  const long call = atomic_fetch_add(&calls, 1) + 1;
  trace(call, function, path);
  errno = before;
  const long at = number("TTFM_FAULT_AT", 0), count = number("TTFM_FAULT_COUNT", 1);
  const char* what = setting("TTFM_FAULT_DO");
  if (!what || at <= 0 || call < at || (count > 0 && call >= at + count)) return none;
  const struct fault fault = parse(what);
  if (fault.what == RAISE) {
    raise(fault.number);
    return none;
  }
  return fault;
}

static void absolute(int folder, const char* path, char* out) {
  out[0] = 0;
  if (path[0] != '/') {
    char link[64];
    if (folder == AT_FDCWD) {
      if (!getcwd(out, PATH_MAX)) out[0] = 0;
    } else {
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
      const ssize_t length = readlink(link, out, PATH_MAX - 1);
      out[length > 0 ? length : 0] = 0;
    }
    strncat(out, "/", PATH_MAX - strlen(out) - 1);
  }
  strncat(out, path, PATH_MAX - strlen(out) - 1);
}

static struct fault judge_path(const char* function, int folder, const char* path) {
  char whole[PATH_MAX + 1];
  absolute(folder, path, whole);
  return judge(function, whole);
}

static struct fault judge_file(const char* function, int descriptor) {
  char link[64], path[PATH_MAX + 1];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t length = readlink(link, path, PATH_MAX);
  if (length <= 0) return (struct fault){NOTHING, 0};
  path[length] = 0;
  return judge(function, path);
}

static int failed(struct fault fault) {
  if (fault.what != FAIL) return 0;
  errno = fault.number;
  return 1;
}

static int after(struct fault fault, int result) {
  const int error = errno;
  if (fault.what == RAISE_AFTER || fault.what == HALF_AND_RAISE) raise(fault.number);
  errno = error;
  return result;
}

static int changes(int flags) { return (flags & (O_ACCMODE | O_CREAT)) != O_RDONLY; }

#define OPEN(name)                                                    \
  int name(const char* path, int flags, ...) {                        \
    va_list more;                                                     \
    va_start(more, flags);                                            \
    const mode_t mode = (flags & O_CREAT) ? va_arg(more, mode_t) : 0; \
    va_end(more);                                                     \
    if (!changes(flags)) return NEXT(name)(path, flags, mode);        \
    const struct fault fault = judge_path("open", AT_FDCWD, path);    \
    if (failed(fault)) return -1;                                     \
    return after(fault, NEXT(name)(path, flags, mode));               \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                   \
  int name(int folder, const char* path, int flags, ...) {             \
    va_list more;                                                      \
    va_start(more, flags);                                             \
    const mode_t mode = (flags & O_CREAT) ? va_arg(more, mode_t) : 0;  \
    va_end(more);                                                      \
    if (!changes(flags)) return NEXT(name)(folder, path, flags, mode); \
    const struct fault fault = judge_path("open", folder, path);       \
    if (failed(fault)) return -1;                                      \
    return after(fault, NEXT(name)(folder, path, flags, mode));        \
  }
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int descriptor, const void* data, size_t size) {
  const struct fault fault = judge_file("write", descriptor);
  if (failed(fault)) return -1;
  const size_t some = fault.what == SHORT || fault.what == HALF_AND_RAISE ? (size + 1) / 2 : size;
  const ssize_t done = NEXT(write)(descriptor, data, some);
  after(fault, 0);
  return done;
}

#define ON_FILE(name)                                         \
  int name(int descriptor) {                                  \
    const struct fault fault = judge_file(#name, descriptor); \
    if (failed(fault)) return -1;                             \
    return after(fault, NEXT(name)(descriptor));              \
  }
ON_FILE(fsync)
ON_FILE(fdatasync)

int close(int descriptor) {
  const struct fault fault = judge_file("close", descriptor);
  const int result = NEXT(close)(descriptor);  // a close that fails has closed
  return failed(fault) ? -1 : after(fault, result);
}

int ftruncate(int descriptor, off_t length) {
  const struct fault fault = judge_file("ftruncate", descriptor);
  return failed(fault) ? -1 : after(fault, NEXT(ftruncate)(descriptor, length));
}

int rename(const char* from, const char* to) {
  const struct fault fault = judge_path("rename", AT_FDCWD, to);
  return failed(fault) ? -1 : after(fault, NEXT(rename)(from, to));
}

int mkdir(const char* path, mode_t mode) {
  const struct fault fault = judge_path("mkdir", AT_FDCWD, path);
  return failed(fault) ? -1 : after(fault, NEXT(mkdir)(path, mode));
}

int unlink(const char* path) {
  const struct fault fault = judge_path("unlink", AT_FDCWD, path);
  return failed(fault) ? -1 : after(fault, NEXT(unlink)(path));
}

int unlinkat(int folder, const char* path, int flags) {
  const struct fault fault = judge_path("unlink", folder, path);
  return failed(fault) ? -1 : after(fault, NEXT(unlinkat)(folder, path, flags));
}

int rmdir(const char* path) {
  const struct fault fault = judge_path("unlink", AT_FDCWD, path);
  return failed(fault) ? -1 : after(fault, NEXT(rmdir)(path));
}

int remove(const char* path) {
  const struct fault fault = judge_path("unlink", AT_FDCWD, path);
  return failed(fault) ? -1 : after(fault, NEXT(remove)(path));
}

int statvfs(const char* path, struct statvfs* out) {
  const int result = NEXT(statvfs)(path, out);
  const char* free_bytes = setting("TTFM_FAULT_FREE");
  if (result == 0 && free_bytes) out->f_bavail = (fsblkcnt_t)(strtoull(free_bytes, NULL, 10) / out->f_frsize);
  return result;
}

time_t time(time_t* out) {
  static atomic_long asked;
  time_t now = NEXT(time)(NULL);
  if (setting("TTFM_FAULT_CLOCK")) now += (atomic_fetch_add(&asked, 1) % 2 ? -1 : 1) * 3 * 365 * 86400L;
  if (out) *out = now;
  return now;
}
