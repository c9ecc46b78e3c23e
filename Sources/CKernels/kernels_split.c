// The sums that matrix units make, in portable arithmetic.

#include "table.h"

#define CK(name) ck_##name##_split
#define WIDTH 4
#define LINES 4
#define VECTORS 2
#define BRAIN

enum { ck_side = 16, ck_terms = 32, ck_block = ck_side * ck_terms, ck_lo = 4 * ck_block };

static float ck_wide(uint16_t brain) {
  union { uint32_t i; float f; } wide = {(uint32_t)brain << 16};
  return wide.f;
}

// sums [32][32] += two blocks of rows times two of columns. As the unit does, the even terms of a block
// and the odd ones are summed apart.
static void ck_multiply_add(const uint16_t *rows, const uint16_t *columns, float sums[32][32]) {
  for (int i = 0; i < 32; i++)
    for (int half = 0; half < 2; half++) {
      float even[16] = {0}, odd[16] = {0};
      const uint16_t *row = rows + i * ck_terms, *column = columns + half * ck_block;
      for (int pair = 0; pair < 16; pair++) {
        const float first = ck_wide(row[2 * pair]), second = ck_wide(row[2 * pair + 1]);
        for (int j = 0; j < 16; j++) {
          even[j] += first * ck_wide(column[(pair * 16 + j) * 2]);
          odd[j] += second * ck_wide(column[(pair * 16 + j) * 2 + 1]);
        }
      }
      for (int j = 0; j < 16; j++) sums[i][16 * half + j] += even[j] + odd[j];
    }
}

static void ck_blocks_split(const uint16_t *left, const uint16_t *right, ptrdiff_t count,
                            int products, float sums[32][32]) {
  for (int i = 0; i < 32; i++)
    for (int j = 0; j < 32; j++) sums[i][j] = 0;
  for (ptrdiff_t at = 0; at < count; at++, left += 2 * ck_lo, right += 2 * ck_lo) {
    ck_multiply_add(left, right, sums);
    if (products == 1) continue;
    ck_multiply_add(left, right + ck_lo, sums);
    ck_multiply_add(left + ck_lo, right, sums);
  }
}

#include "kernels_body.h"
