// 16 lanes: Skylake-X (2017) and Zen 4 (2022) onwards.

#include "table.h"

#if defined(__x86_64__)
#pragma clang attribute push(                                                    \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,f16c"))), \
    apply_to = function)
#define CK(name) ck_##name##_avx512
#define WIDTH 16
#define LINES 6
#define VECTORS 4
#include "kernels_body.h"
#pragma clang attribute pop
#endif
