// Products of factors that are taken as bfloat16.
//
// Split, a number is hi + lo, each rounded to bfloat16: 16 bits of its 24 are kept, so all 11 of a
// float16. Of a product hi hi + hi lo + lo hi is summed, in float32; what is left out, lo lo, is below
// 2^-16 of it. With one product in place of three only hi hi is.
//
// The parts lie in blocks as matrix units take them: a left factor's [side rows][terms], a right
// factor's [terms / 2 pairs of terms][side columns][2]. An including file defines
// CK(blocks)(left, right, count, products, sums): `sums` [square][square] are those of two blocks of rows
// with two of columns, over `count` blocks of terms.
//
// Reference: Henry et al., Leveraging the bfloat16 Artificial Intelligence Datatype For
// Higher-Precision Computations, ARITH 2019.

#define LENGTH 256  // terms of a left factor that are split at a time

// To nearest, ties to even; NaN stays NaN.
INLINE uint16_t CK(rounded)(uint32_t bits) {
  uint32_t upper = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
  return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : upper);
}

// What is not finite has no lo: infinity less infinity is none.
INLINE void CK(split)(const float *x, uint16_t *hi, uint16_t *lo) {
  for (int i = 0; i < ck_terms; i++) {
    union { float f; uint32_t i; } whole = {x[i]}, upper, rest;
    hi[i] = CK(rounded)(whole.i);
    upper.i = (uint32_t)hi[i] << 16;
    rest.f = whole.f - upper.f;
    lo[i] = (upper.i & 0x7f800000u) == 0x7f800000u ? 0 : CK(rounded)(rest.i);
  }
}

// left [block of terms][hi, lo][sides][side][terms], zeros around `rows` and `terms`.
static void CK(split_left)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, ptrdiff_t rows,
                           ptrdiff_t terms, uint16_t *left) {
  const ptrdiff_t padded = (rows + ck_square - 1) / ck_square * ck_square;
  for (ptrdiff_t at = 0; at < terms; at += ck_terms, left += 2 * ck_part) {
    const ptrdiff_t some = terms - at < ck_terms ? terms - at : ck_terms;
    for (ptrdiff_t r = 0; r < padded; r++) {
      uint16_t *hi = left + r * ck_terms, *lo = hi + ck_part;
      const float *in = a + r * a_row + at * a_inner;
      if (r < rows && a_inner == 1 && some == ck_terms) {
        CK(split)(in, hi, lo);
        continue;
      }
      float line[ck_terms] = {0};
      if (r < rows)
        for (ptrdiff_t i = 0; i < some; i++) line[i] = in[i * a_inner];
      CK(split)(line, hi, lo);
    }
  }
}

// One block of columns: `count` columns `column` apart and `some` terms `term` apart.
INLINE void CK(split_right)(const float *x, ptrdiff_t column, ptrdiff_t term, ptrdiff_t count,
                            ptrdiff_t some, uint16_t *hi) {
  uint16_t *lo = hi + ck_part;
  for (ptrdiff_t n = 0; n < ck_side; n++) {
    float line[ck_terms] = {0};
    uint16_t upper[ck_terms], lower[ck_terms];
    if (n < count)
      for (ptrdiff_t i = 0; i < some; i++) line[i] = x[n * column + i * term];
    CK(split)(line, upper, lower);
    for (ptrdiff_t pair = 0; pair < ck_terms / 2; pair++)
      for (ptrdiff_t i = 0; i < 2; i++) {
        hi[(pair * ck_side + n) * 2 + i] = upper[2 * pair + i];
        lo[(pair * ck_side + n) * 2 + i] = lower[2 * pair + i];
      }
  }
}

// packed [panel][block of terms][hi, lo][sides][terms / 2][side][2]
static void CK(split_panels)(const float *x, ptrdiff_t column, ptrdiff_t term, ptrdiff_t count,
                             ptrdiff_t width, uint16_t *packed) {
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL)
    for (ptrdiff_t at = 0; at < width; at += ck_terms, packed += 2 * ck_part)
      for (ptrdiff_t side = 0; side < ck_sides; side++) {
        const ptrdiff_t from = first + side * ck_side;
        CK(split_right)(x + from * column + at * term, column, term, count - from,
                        width - at < ck_terms ? width - at : ck_terms, packed + side * ck_block);
      }
}

// y [rows][columns] (+)= a split left factor of up to CK_PANEL rows times one panel, `count` blocks of
// terms of each.
static void CK(split_product)(const uint16_t *left, const uint16_t *right, ptrdiff_t count, float *y,
                              ptrdiff_t y_row, ptrdiff_t rows, ptrdiff_t columns, int accumulate) {
  float sums[ck_square][ck_square] __attribute__((aligned(64)));
  const int products = ck_products();
  for (ptrdiff_t row = 0; row < rows; row += ck_square)
    for (ptrdiff_t column = 0; column < columns; column += ck_square) {
      CK(blocks)(left + row * ck_terms, right + column * ck_terms, count, products, sums);
      const ptrdiff_t height = rows - row < ck_square ? rows - row : ck_square;
      const ptrdiff_t width = columns - column < ck_square ? columns - column : ck_square;
      for (ptrdiff_t i = 0; i < height; i++) {
        float *out = y + (row + i) * y_row + column;
        if (accumulate)
          for (ptrdiff_t j = 0; j < width; j++) out[j] += sums[i][j];
        else
          for (ptrdiff_t j = 0; j < width; j++) out[j] = sums[i][j];
      }
    }
}

static void CK(pack)(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                     float *packed) {
  CK(split_panels)(x, stride, 1, count, width, (uint16_t *)packed);
}

static void CK(pack_rows)(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                          float *packed) {
  CK(split_panels)(x, 1, stride, count, width, (uint16_t *)packed);
}

static void CK(panel_product)(const float *x, ptrdiff_t x_row, ptrdiff_t x_inner,
                              const float *packed, ptrdiff_t width, float *y, ptrdiff_t y_row,
                              ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner, int accumulate) {
  const ptrdiff_t panel = (inner + ck_terms - 1) / ck_terms * 2 * ck_part;
  uint16_t left[LENGTH / ck_terms * 2 * ck_part] __attribute__((aligned(64)));
  for (ptrdiff_t row = 0; row < rows; row += CK_PANEL) {
    const ptrdiff_t some = rows - row < CK_PANEL ? rows - row : CK_PANEL;
    for (ptrdiff_t k = 0; k < inner; k += LENGTH) {
      const ptrdiff_t terms = inner - k < LENGTH ? inner - k : LENGTH;
      const uint16_t *right = (const uint16_t *)packed + k / ck_terms * 2 * ck_part;
      CK(split_left)(x + row * x_row + k * x_inner, x_row, x_inner, some, terms, left);
      for (ptrdiff_t column = 0; column < columns; column += width, right += panel)
        CK(split_product)(left, right, (terms + ck_terms - 1) / ck_terms,
                          y + row * y_row + column, y_row, some,
                          columns - column < width ? columns - column : width, accumulate || k > 0);
    }
  }
}

// hi and lo of a number take as much room as the number.
static ptrdiff_t CK(panel_size)(ptrdiff_t inner) {
  return (inner + ck_terms - 1) / ck_terms * ck_terms * CK_PANEL;
}

// As product; what does not fill a block is multiplied in float32.
static void CK(brain_product)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                              ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                              ptrdiff_t columns, ptrdiff_t inner, int accumulate) {
  if (rows < ck_side || columns < ck_side || inner < ck_side) {
    CK(product)(a, a_row, a_inner, b, b_inner, c, c_row, rows, columns, inner, accumulate);
    return;
  }
  uint16_t right[LENGTH / ck_terms * 2 * ck_part] __attribute__((aligned(64)));
  for (ptrdiff_t column = 0; column < columns; column += CK_PANEL) {
    const ptrdiff_t width = columns - column < CK_PANEL ? columns - column : CK_PANEL;
    for (ptrdiff_t k = 0; k < inner; k += LENGTH) {
      const ptrdiff_t terms = inner - k < LENGTH ? inner - k : LENGTH;
      CK(split_panels)(b + k * b_inner + column, 1, b_inner, width, terms, right);
      CK(panel_product)(a + k * a_inner, a_row, a_inner, (const float *)right, width, c + column,
                        c_row, rows, width, terms, accumulate || k > 0);
    }
  }
}
