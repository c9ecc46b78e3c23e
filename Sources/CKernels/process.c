// What Swift's Glibc module does not import.

#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "ckernels.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void ck_keep_freed_memory(void) {
#if defined(__GLIBC__)
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 0x7fffffff);
#endif
}

void ck_return_freed_memory(void) {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

int ck_exchange_names(int folder, const char *one, const char *other) {
#if defined(RENAME_EXCHANGE)
  return renameat2(folder, one, folder, other, RENAME_EXCHANGE);
#else
  errno = ENOSYS;
  return -1;
#endif
}

int ck_cores(void) {
#if defined(__linux__)
  for (int most = 1024; most <= 1 << 16; most *= 2) {  // too small a set is refused
    cpu_set_t *set = CPU_ALLOC(most);
    if (!set) return 0;
    size_t size = CPU_ALLOC_SIZE(most);
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
#endif
  return 0;
}
