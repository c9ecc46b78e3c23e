/* Makes system calls of a process fail as file systems of clusters do; for LD_PRELOAD.

   FAULT_FLOCK=ERRNO        flock fails
   FAULT_FLOCK_READ=ERRNO   flock fails on a descriptor that is not open for writing
   FAULT_RENAME=ERRNO:NAME  renaming a file to NAME fails
   FAULT_CLOSE=ERRNO:NAME   closing a file whose path ends in NAME and that was open for writing fails, once it is
                            closed
   FAULT_KILL=N             the Nth change of a folder (a file or folder made by name, renamed or removed) kills the
                            process before it is made
   FAULT_SHORT=N            a write to a file takes N bytes at most
   FAULT_INTERRUPT=N        every Nth write to a file is interrupted before it takes anything
   FAULT_ROOM=N             files grow by N bytes in all, by the last write by a part of what it is given, and then
                            fail for want of room; what is written over needs none
   FAULT_HOST=NAME          the machine's name */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int ends_in(const char *path, const char *name) {
  size_t length = strlen(path), end = strlen(name);
  return length >= end && strcmp(path + length - end, name) == 0;
}

/* The error of a fault, if its name is that of the path, or with `whole` is the path. */
static int fault(const char *variable, const char *path, int whole) {
  const char *text = getenv(variable);
  if (!text) return 0;
  const char *name = strchr(text, ':');
  if (name && !(whole ? strcmp(path, name + 1) == 0 : ends_in(path, name + 1))) return 0;
  return atoi(text);
}

static void change(void) {
  static atomic_int changes;
  const char *text = getenv("FAULT_KILL");
  if (text && atomic_fetch_add(&changes, 1) + 1 == atoi(text)) raise(SIGKILL);
}

int flock(int file, int operation) {
  static int (*real)(int, int);
  if (!real) real = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
  int code = fault("FAULT_FLOCK", "", 1);
  if (!code && (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDONLY) code = fault("FAULT_FLOCK_READ", "", 1);
  if (code) {
    errno = code;
    return -1;
  }
  return real(file, operation);
}

int renameat(int from, const char *old, int to, const char *name) {
  static int (*real)(int, const char *, int, const char *);
  if (!real) real = (int (*)(int, const char *, int, const char *))dlsym(RTLD_NEXT, "renameat");
  change();
  int code = fault("FAULT_RENAME", name, 1);
  if (code) {
    errno = code;
    return -1;
  }
  return real(from, old, to, name);
}

int unlinkat(int folder, const char *name, int flags) {
  static int (*real)(int, const char *, int);
  if (!real) real = (int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
  change();
  return real(folder, name, flags);
}

int close(int file) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "close");
  char link[64], path[4096];
  int code = 0;
  if (getenv("FAULT_CLOSE") && (fcntl(file, F_GETFL) & O_ACCMODE) != O_RDONLY) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
      path[length] = 0;
      code = fault("FAULT_CLOSE", path, 0);
    }
  }
  int result = real(file);
  if (code) {
    errno = code;
    return -1;
  }
  return result;
}

/* How many bytes a write to a file takes, at `offset` or at its place; -1 with an error. */
static ssize_t taken(int file, size_t count, off_t offset) {
  static atomic_long writes, used;
  struct stat status;
  const char *most = getenv("FAULT_SHORT"), *each = getenv("FAULT_INTERRUPT"), *room = getenv("FAULT_ROOM");
  if ((!most && !each && !room) || fstat(file, &status) || !S_ISREG(status.st_mode)) return count;
  if (each && (atomic_fetch_add(&writes, 1) + 1) % atol(each) == 0) {
    errno = EINTR;
    return -1;
  }
  if (most && count > (size_t)atol(most)) count = atol(most);
  if (room && (offset < 0 || offset + (off_t)count > status.st_size)) {
    long rest = atol(room) - atomic_fetch_add(&used, count);
    if (rest <= 0) {
      errno = ENOSPC;
      return -1;
    }
    if (count > (size_t)rest) count = rest;
  }
  return count;
}

ssize_t write(int file, const void *bytes, size_t count) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
  ssize_t part = taken(file, count, -1);
  return part < 0 ? -1 : real(file, bytes, part);
}

ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
  ssize_t part = taken(file, count, offset);
  return part < 0 ? -1 : real(file, bytes, part, offset);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset) { return pwrite(file, bytes, count, offset); }

int gethostname(char *name, size_t length) {
  static int (*real)(char *, size_t);
  if (!real) real = (int (*)(char *, size_t))dlsym(RTLD_NEXT, "gethostname");
  const char *text = getenv("FAULT_HOST");
  if (!text) return real(name, length);
  snprintf(name, length, "%s", text);
  return 0;
}
