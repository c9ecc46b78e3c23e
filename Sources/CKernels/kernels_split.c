// The sums that matrix units make, in portable arithmetic.

#include "blocks.h"
#include "table.h"

#define CK(name) ck_##name##_split
#define WIDTH 4
#define LINES 4
#define VECTORS 2
#define BRAIN

static float ck_wide(uint16_t brain) {
  union { uint32_t i; float f; } wide = {(uint32_t)brain << 16};
  return wide.f;
}

// sums += two blocks of rows times two of columns. As the unit does, the even terms of a block
// and the odd ones are summed apart.
static void ck_multiply_add(const uint16_t *rows, const uint16_t *columns,
                            float sums[ck_square][ck_square]) {
  for (int i = 0; i < ck_square; i++)
    for (int half = 0; half < 2; half++) {
      float even[ck_side] = {0}, odd[ck_side] = {0};
      const uint16_t *row = rows + i * ck_terms, *column = columns + half * ck_block;
      for (int pair = 0; pair < ck_terms / 2; pair++) {
        const float first = ck_wide(row[2 * pair]), second = ck_wide(row[2 * pair + 1]);
        for (int j = 0; j < ck_side; j++) {
          even[j] += first * ck_wide(column[(pair * ck_side + j) * 2]);
          odd[j] += second * ck_wide(column[(pair * ck_side + j) * 2 + 1]);
        }
      }
      for (int j = 0; j < ck_side; j++) sums[i][ck_side * half + j] += even[j] + odd[j];
    }
}

static void ck_blocks_split(const uint16_t *left, const uint16_t *right, ptrdiff_t count,
                            int parts, float sums[ck_square][ck_square]) {
  for (int i = 0; i < ck_square; i++)
    for (int j = 0; j < ck_square; j++) sums[i][j] = 0;
  for (ptrdiff_t at = 0; at < count; at++, left += parts * ck_part, right += parts * ck_part) {
    ck_multiply_add(left, right, sums);
    if (parts == 1) continue;
    ck_multiply_add(left, right + ck_part, sums);
    ck_multiply_add(left + ck_part, right, sums);
  }
}

#include "kernels_body.h"
