// 8 lanes, fused multiply-add, half conversion: Haswell (2013) and Zen (2017) onwards.

#include "table.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define CK(name) ck_##name##_avx2
#define WIDTH 8
#define LINES 6
#define VECTORS 2
#include "kernels_body.h"
#pragma clang attribute pop
#endif
