// What Swift's Glibc module does not import.

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
