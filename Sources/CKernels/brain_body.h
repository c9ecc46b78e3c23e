// Products of factors that are taken as bfloat16.
//
// Split, a number is hi + lo, each rounded to bfloat16: 16 bits of its 24 are kept, so all 11 of a
// float16. Of a product hi hi + hi lo + lo hi is summed, in float32; what is left out, lo lo, is below
// 2^-16 of it. With one product in place of three only hi hi is.
//
// The parts lie in blocks as matrix units take them: a left factor's [side rows][terms], a right
// factor's [terms / 2 pairs of terms][side columns][2]. An including file defines
// CK(blocks)(left, right, count, parts, sums): `sums` [square][square] are those of two blocks of rows
// with two of columns, over `count` blocks of terms, each in `parts` parts, one or two.
//
// Reference: Henry et al., Leveraging the bfloat16 Artificial Intelligence Datatype For
// Higher-Precision Computations, ARITH 2019.

#define LENGTH 256  // terms of a left factor that are split at a time

// The upper half of what is rounded to nearest, ties to even; NaN stays NaN.
INLINE uint32_t CK(rounded)(uint32_t bits) {
  uint32_t nearest = bits + 0x7fffu + (bits >> 16 & 1);
  return ((bits & 0x7fffffffu) > 0x7f800000u ? bits | 0x400000u : nearest) & 0xffff0000u;
}

INLINE uint32_t CK(hi)(float x) {
  union { float f; uint32_t i; } whole = {x};
  return CK(rounded)(whole.i);
}

// What is not finite has no lo: infinity less infinity is none.
INLINE uint32_t CK(lo)(float x) {
  union { uint32_t i; float f; } upper = {CK(hi)(x)}, rest;
  rest.f = x - upper.f;
  return (upper.i & 0x7f800000u) == 0x7f800000u ? 0 : CK(rounded)(rest.i);
}

// Whether hi alone is read, or hi and lo: lo is neither made nor packed where no product reads it.
INLINE int CK(parts)(void) { return ck_products() == 1 ? 1 : 2; }

INLINE void CK(split)(const float *x, int parts, uint16_t *hi, uint16_t *lo) {
  EACH
  for (int i = 0; i < ck_terms; i++) hi[i] = (uint16_t)(CK(hi)(x[i]) >> 16);
  if (parts == 1) return;
  EACH
  for (int i = 0; i < ck_terms; i++) lo[i] = (uint16_t)(CK(lo)(x[i]) >> 16);
}

// left [block of terms][parts][sides][side][terms], zeros around `rows` and `terms`.
static void CK(split_left)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, ptrdiff_t rows,
                           ptrdiff_t terms, int parts, uint16_t *left) {
  const ptrdiff_t padded = (rows + ck_square - 1) / ck_square * ck_square;
  for (ptrdiff_t at = 0; at < terms; at += ck_terms, left += parts * ck_part) {
    const ptrdiff_t some = terms - at < ck_terms ? terms - at : ck_terms;
    for (ptrdiff_t r = 0; r < padded; r++) {
      uint16_t *hi = left + r * ck_terms, *lo = hi + ck_part;
      const float *in = a + r * a_row + at * a_inner;
      if (r < rows && a_inner == 1 && some == ck_terms) {
        CK(split)(in, parts, hi, lo);
        continue;
      }
      float line[ck_terms] = {0};
      if (r < rows)
        for (ptrdiff_t i = 0; i < some; i++) line[i] = in[i * a_inner];
      CK(split)(line, parts, hi, lo);
    }
  }
}

// Turns pairs of terms [side columns][terms / 2] into [terms / 2][side columns].
INLINE void CK(turn)(const uint16_t lines[ck_side][ck_terms], uint16_t *out) {
  typedef uint32_t quad __attribute__((vector_size(16)));
  for (int n = 0; n < ck_side; n += 4)
    for (int pair = 0; pair < ck_terms / 2; pair += 4) {
      quad in[4];
      for (int i = 0; i < 4; i++) __builtin_memcpy(&in[i], &lines[n + i][2 * pair], sizeof in[i]);
      const quad a = __builtin_shufflevector(in[0], in[1], 0, 4, 1, 5);
      const quad b = __builtin_shufflevector(in[2], in[3], 0, 4, 1, 5);
      const quad c = __builtin_shufflevector(in[0], in[1], 2, 6, 3, 7);
      const quad d = __builtin_shufflevector(in[2], in[3], 2, 6, 3, 7);
      const quad turned[4] = {
          __builtin_shufflevector(a, b, 0, 1, 4, 5), __builtin_shufflevector(a, b, 2, 3, 6, 7),
          __builtin_shufflevector(c, d, 0, 1, 4, 5), __builtin_shufflevector(c, d, 2, 3, 6, 7)};
      for (int i = 0; i < 4; i++)
        __builtin_memcpy(out + ((pair + i) * ck_side + n) * 2, &turned[i], sizeof turned[i]);
    }
}

// One block of columns: `count` columns `column` apart, the `some` terms of each side by side.
INLINE void CK(split_right)(const float *x, ptrdiff_t column, ptrdiff_t count, ptrdiff_t some,
                            int parts, uint16_t *hi) {
  uint16_t upper[ck_side][ck_terms] __attribute__((aligned(64)));
  uint16_t lower[ck_side][ck_terms] __attribute__((aligned(64)));
  for (ptrdiff_t n = 0; n < ck_side; n++) {
    const float *line = x + n * column;
    float rest[ck_terms] __attribute__((aligned(64))) = {0};
    if (n >= count || some < ck_terms) {
      for (ptrdiff_t i = 0; i < some && n < count; i++) rest[i] = line[i];
      line = rest;
    }
    CK(split)(line, parts, upper[n], lower[n]);
  }
  CK(turn)(upper, hi);
  if (parts > 1) CK(turn)(lower, hi + ck_part);
}

// The same of columns that lie side by side.
INLINE void CK(split_right_rows)(const float *x, ptrdiff_t term, ptrdiff_t count, ptrdiff_t some,
                                 int parts, uint16_t *hi) {
  for (ptrdiff_t at = 0; at < ck_terms; at += 2, hi += 2 * ck_side) {
    const float *first = x + at * term, *second = first + term;
    float rest[2][ck_side] __attribute__((aligned(64))) = {{0}};
    if (count < ck_side || at + 1 >= some) {
      const ptrdiff_t end = count < ck_side ? count : ck_side;
      for (ptrdiff_t n = 0; n < end && at < some; n++) rest[0][n] = first[n];
      for (ptrdiff_t n = 0; n < end && at + 1 < some; n++) rest[1][n] = second[n];
      first = rest[0], second = rest[1];
    }
    uint32_t pairs[ck_side] __attribute__((aligned(64)));
    for (int n = 0; n < ck_side; n++) pairs[n] = CK(hi)(first[n]) >> 16 | CK(hi)(second[n]);
    __builtin_memcpy(hi, pairs, sizeof pairs);
    if (parts == 1) continue;
    for (int n = 0; n < ck_side; n++) pairs[n] = CK(lo)(first[n]) >> 16 | CK(lo)(second[n]);
    __builtin_memcpy(hi + ck_part, pairs, sizeof pairs);
  }
}

// packed [panel][block of terms][parts][sides][terms / 2][side][2]
static void CK(split_panels)(const float *x, ptrdiff_t column, ptrdiff_t term, ptrdiff_t count,
                             ptrdiff_t width, int parts, uint16_t *packed) {
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL)
    for (ptrdiff_t at = 0; at < width; at += ck_terms, packed += parts * ck_part)
      for (ptrdiff_t side = 0; side < ck_sides; side++) {
        const ptrdiff_t from = first + side * ck_side;
        const ptrdiff_t some = width - at < ck_terms ? width - at : ck_terms;
        const float *in = x + from * column + at * term;
        if (column == 1)
          CK(split_right_rows)(in, term, count - from, some, parts, packed + side * ck_block);
        else
          CK(split_right)(in, column, count - from, some, parts, packed + side * ck_block);
      }
}

// y [rows][columns] = a split left factor of up to CK_PANEL rows times one panel, `count` blocks of
// terms of each, added to what stands in `from`, unless that is null.
static void CK(split_product)(const uint16_t *left, const uint16_t *right, ptrdiff_t count,
                              int parts, const float *from, ptrdiff_t from_row, float *y,
                              ptrdiff_t y_row, ptrdiff_t rows, ptrdiff_t columns) {
  float sums[ck_square][ck_square] __attribute__((aligned(64)));
  for (ptrdiff_t row = 0; row < rows; row += ck_square)
    for (ptrdiff_t column = 0; column < columns; column += ck_square) {
      CK(blocks)(left + row * ck_terms, right + column * ck_terms, count, parts, sums);
      const ptrdiff_t height = rows - row < ck_square ? rows - row : ck_square;
      const ptrdiff_t width = columns - column < ck_square ? columns - column : ck_square;
      for (ptrdiff_t i = 0; i < height; i++) {
        float *out = y + (row + i) * y_row + column;
        if (from) {
          const float *before = from + (row + i) * from_row + column;
          for (ptrdiff_t j = 0; j < width; j++) out[j] = before[j] + sums[i][j];
        } else
          for (ptrdiff_t j = 0; j < width; j++) out[j] = sums[i][j];
      }
    }
}

static void CK(pack)(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                     float *packed) {
  CK(split_panels)(x, stride, 1, count, width, CK(parts)(), (uint16_t *)packed);
}

static void CK(pack_rows)(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                          float *packed) {
  CK(split_panels)(x, 1, stride, count, width, CK(parts)(), (uint16_t *)packed);
}

INLINE ptrdiff_t CK(term_blocks)(ptrdiff_t terms) { return (terms + ck_terms - 1) / ck_terms; }

static void CK(panel_product)(const float *x, ptrdiff_t x_row, ptrdiff_t x_inner,
                              const float *packed, ptrdiff_t width, const float *from,
                              ptrdiff_t from_row, float *y, ptrdiff_t y_row, ptrdiff_t rows,
                              ptrdiff_t columns, ptrdiff_t inner) {
  const int parts = CK(parts)();
  const ptrdiff_t panel = CK(term_blocks)(inner) * parts * ck_part;
  uint16_t left[LENGTH / ck_terms * 2 * ck_part] __attribute__((aligned(64)));
  for (ptrdiff_t row = 0; row < rows; row += CK_PANEL) {
    const ptrdiff_t some = rows - row < CK_PANEL ? rows - row : CK_PANEL;
    for (ptrdiff_t k = 0; k < inner; k += LENGTH) {
      const ptrdiff_t terms = inner - k < LENGTH ? inner - k : LENGTH;
      const uint16_t *right = (const uint16_t *)packed + k / ck_terms * parts * ck_part;
      CK(split_left)(x + row * x_row + k * x_inner, x_row, x_inner, some, terms, parts, left);
      for (ptrdiff_t column = 0; column < columns; column += width, right += panel) {
        float *out = y + row * y_row + column;
        const float *before = k > 0 ? out : from ? from + row * from_row + column : from;
        CK(split_product)(left, right, CK(term_blocks)(terms), parts, before,
                          k > 0 ? y_row : from_row, out, y_row, some,
                          columns - column < width ? columns - column : width);
      }
    }
  }
}

// hi and lo of a number take as much room as the number.
static ptrdiff_t CK(panel_size)(ptrdiff_t inner) {
  return CK(term_blocks)(inner) * CK(parts)() * ck_part / 2;
}

// As many of the width as a block has terms are widened at a time, and packed while they are in the cache.
static void CK(pack_halves)(const uint16_t *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                            int brain, float *packed) {
  float wide[CK_PANEL * ck_terms];
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL, packed += CK(panel_size)(width))
    for (ptrdiff_t at = 0; at < width; at += ck_terms) {
      const ptrdiff_t some = count - first < CK_PANEL ? count - first : CK_PANEL;
      const ptrdiff_t terms = width - at < ck_terms ? width - at : ck_terms;
      for (ptrdiff_t i = 0; i < some; i++)
        CK(widen)(x + (first + i) * stride + at, wide + i * ck_terms, terms, brain);
      CK(pack)(wide, ck_terms, some, terms, packed + CK(panel_size)(at));
    }
}

static void CK(pack_half_rows)(const uint16_t *x, ptrdiff_t stride, ptrdiff_t count,
                               ptrdiff_t width, int brain, float *packed) {
  float wide[ck_terms * CK_PANEL];
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL, packed += CK(panel_size)(width))
    for (ptrdiff_t at = 0; at < width; at += ck_terms) {
      const ptrdiff_t some = count - first < CK_PANEL ? count - first : CK_PANEL;
      const ptrdiff_t terms = width - at < ck_terms ? width - at : ck_terms;
      for (ptrdiff_t k = 0; k < terms; k++)
        CK(widen)(x + (at + k) * stride + first, wide + k * CK_PANEL, some, brain);
      CK(pack_rows)(wide, CK_PANEL, some, terms, packed + CK(panel_size)(at));
    }
}

#ifndef PANELS_ONLY

// Of packed factors both parts are kept, whatever number of products is asked for: of transformed
// numbers, hi alone would be five times as wrong as of those that a layer has.
enum { CK(kept) = 2 };

static ptrdiff_t CK(packed_size)(ptrdiff_t count, ptrdiff_t inner) {
  return (count + CK_PANEL - 1) / CK_PANEL * CK(term_blocks)(inner) * CK(kept) * ck_part / 2;
}

static void CK(pack_left)(const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width,
                          float *packed) {
  for (ptrdiff_t row = 0; row < rows; row += CK_PANEL, packed += CK(packed_size)(1, width))
    CK(split_left)(x + row * stride, stride, 1, rows - row < CK_PANEL ? rows - row : CK_PANEL, width,
                   CK(kept), (uint16_t *)packed);
}

static void CK(pack_right)(const float *x, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t width,
                           float *packed) {
  CK(split_panels)(x, 1, stride, columns, width, CK(kept), (uint16_t *)packed);
}

static void CK(packed_product)(const float *left, const float *right, float *y, ptrdiff_t y_row,
                               ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner) {
  const ptrdiff_t panel = CK(packed_size)(1, inner);
  for (ptrdiff_t row = 0; row < rows; row += CK_PANEL, left += panel)
    for (ptrdiff_t column = 0; column < columns; column += CK_PANEL)
      CK(split_product)((const uint16_t *)left,
                        (const uint16_t *)(right + column / CK_PANEL * panel),
                        CK(term_blocks)(inner), CK(kept), 0, 0, y + row * y_row + column, y_row,
                        rows - row < CK_PANEL ? rows - row : CK_PANEL,
                        columns - column < CK_PANEL ? columns - column : CK_PANEL);
}

// As product; what does not fill a block is multiplied in float32.
static void CK(brain_product)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                              ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                              ptrdiff_t columns, ptrdiff_t inner, int accumulate) {
  if (rows < ck_side || columns < ck_side || inner < ck_side) {
    CK(product)(a, a_row, a_inner, b, b_inner, c, c_row, c, c_row, rows, columns, inner, accumulate);
    return;
  }
  uint16_t right[LENGTH / ck_terms * 2 * ck_part] __attribute__((aligned(64)));
  for (ptrdiff_t column = 0; column < columns; column += CK_PANEL) {
    const ptrdiff_t width = columns - column < CK_PANEL ? columns - column : CK_PANEL;
    for (ptrdiff_t k = 0; k < inner; k += LENGTH) {
      const ptrdiff_t terms = inner - k < LENGTH ? inner - k : LENGTH;
      CK(split_panels)(b + k * b_inner + column, 1, b_inner, width, terms, CK(parts)(), right);
      CK(panel_product)(a + k * a_inner, a_row, a_inner, (const float *)right, width,
                        accumulate || k > 0 ? c + column : 0, c_row, c + column, c_row, rows, width,
                        terms);
    }
  }
}

#endif
#undef LENGTH
