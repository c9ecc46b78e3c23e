// Ends the process in one line when memory runs out, whoever asked for it: Swift, which would end it by a signal,
// Dispatch, which would wait for ever until there is room for a thread's stack, or a library in C, each in its own way.
//
// The functions here stand before the C library's, which they call: the linker binds the program and its
// libraries to them. What happens when memory is short allocates none: it writes and exits.

#define _GNU_SOURCE
#include "cmemory.h"

#include <stdlib.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void heed_use_one_arena(void) {
#if defined(__GLIBC__)
  mallopt(M_ARENA_MAX, 1);
#endif
}

// Sanitizers have an allocator of their own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_SANITIZER)
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

// As in sysexits.h: the operating system does not give what is needed.
enum { OS_ERROR = 71 };

static void say(const char *text) {
  if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(OS_ERROR);
}

static void end_without_memory(size_t bytes) {
  char digits[24];
  char *first = digits + sizeof digits - 1;
  *first = 0;
  do {
    *--first = (char)('0' + bytes % 10);
    bytes /= 10;
  } while (bytes);
  say("heed: memory ran out: the system does not give ");
  say(first);
  say(" bytes more; raise the limit (ulimit -v, the job's memory), or choose smaller pictures or --batch 1\n");
  _exit(OS_ERROR);
}

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
  void *memory = __libc_malloc(size);
  if (!memory) end_without_memory(size);
  return memory;
}

void *calloc(size_t count, size_t size) {
  void *memory = __libc_calloc(count, size);
  size_t bytes;
  if (!memory) end_without_memory(__builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes);
  return memory;
}

void *realloc(void *old, size_t size) {
  void *memory = __libc_realloc(old, size);
  if (!memory && size) end_without_memory(size);
  return memory;
}

void *memalign(size_t alignment, size_t size) {
  void *memory = __libc_memalign(alignment, size);
  if (!memory) end_without_memory(size);
  return memory;
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) || !alignment || (alignment & (alignment - 1))) return EINVAL;
  *memory = memalign(alignment, size);
  return 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  static int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  if (!next) {
    *(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
    if (!next) return ENOSYS;
  }
  int code = next(thread, attributes, body, argument);
  if (code == EAGAIN || code == ENOMEM) {
    say("heed: memory ran out: the system starts no further thread; raise the limit on addresses (ulimit -v) or on "
        "processes (ulimit -u), or set HEED_THREADS to less\n");
    _exit(OS_ERROR);
  }
  return code;
}
#endif
