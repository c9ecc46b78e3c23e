// Tiles of bfloat16: Sapphire Rapids (2023) onwards, which has everything of AVX-512 too.

#include "blocks.h"
#include "table.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                                      \
    __attribute__((target(                                                                         \
        "amx-tile,amx-bf16,avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma,f16c"))),        \
    apply_to = function)
#define CK(name) ck_##name##_amx
#define WIDTH 16
#define LINES 6
#define VECTORS 4
#define BRAIN

#include "tiles_body.h"

#include "kernels_body.h"
#pragma clang attribute pop
#endif
