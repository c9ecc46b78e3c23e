// Inner products of bfloat16 pairs: Cooper Lake (2020), Zen 4 (2022) onwards.

#include "blocks.h"
#include "table.h"

#if defined(__x86_64__)
#include <immintrin.h>

#pragma clang attribute push(                                                               \
    __attribute__((target("avx512f,avx512vl,avx512bw,avx512dq,avx512bf16,avx2,fma,f16c"))), \
    apply_to = function)
#define CK(name) ck_##name##_brain
#define WIDTH 16
#define LINES 6
#define VECTORS 4
#define BRAIN
// What is packed for one product alone is multiplied in float32: to split it takes longer than is saved.
#define PANELS_ONLY

static inline __attribute__((always_inline)) __m512bh ck_pairs(const uint16_t *pairs) {
  return (__m512bh)_mm512_loadu_si512(pairs);
}

// Adds the products of eight rows with two blocks of columns.
static inline __attribute__((always_inline)) void ck_multiply_add(const uint16_t *rows,
                                                                  const uint16_t *columns,
                                                                  __m512 sum[8][2]) {
  for (int pair = 0; pair < ck_terms / 2; pair++) {
    const __m512bh first = ck_pairs(columns + pair * ck_terms);
    const __m512bh second = ck_pairs(columns + ck_block + pair * ck_terms);
    for (int i = 0; i < 8; i++) {
      int both;
      __builtin_memcpy(&both, rows + i * ck_terms + 2 * pair, sizeof both);
      const __m512bh left = (__m512bh)_mm512_set1_epi32(both);
      sum[i][0] = _mm512_dpbf16_ps(sum[i][0], left, first);
      sum[i][1] = _mm512_dpbf16_ps(sum[i][1], left, second);
    }
  }
}

static void ck_blocks_brain(const uint16_t *left, const uint16_t *right, ptrdiff_t count,
                            int parts, float sums[ck_square][ck_square]) {
  for (int row = 0; row < ck_square; row += 8) {
    __m512 sum[8][2];
    for (int i = 0; i < 8; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    const uint16_t *rows = left + row * ck_terms, *columns = right;
    for (ptrdiff_t at = 0; at < count; at++, rows += parts * ck_part, columns += parts * ck_part) {
      ck_multiply_add(rows, columns, sum);
      if (parts == 1) continue;
      ck_multiply_add(rows, columns + ck_part, sum);
      ck_multiply_add(rows + ck_part, columns, sum);
    }
    for (int i = 0; i < 8; i++) {
      _mm512_storeu_ps(&sums[row + i][0], sum[i][0]);
      _mm512_storeu_ps(&sums[row + i][ck_side], sum[i][1]);
    }
  }
}

#include "kernels_body.h"
#pragma clang attribute pop
#endif
