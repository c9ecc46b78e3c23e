// Products of matrices whose factors lie in the cache, and the packing that brings them there.

#define DEPTH 512  // terms of a panel product's sums taken at a time

typedef float CK(vector) __attribute__((vector_size(4 * WIDTH), aligned(4)));

// c [rows][columns] = a b for up to LINES rows and as many columns as `vectors` cover, all in
// registers; with `begins`, the sums begin with what stands in `from`. The last vector begins at column
// `last`, over a part of the one before it where the columns are no multiple of WIDTH: both hold the same
// sums there.
INLINE void CK(product_block)(const int lines, const int vectors, ptrdiff_t last, const float *a,
                              ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                              ptrdiff_t b_inner, const float *from, ptrdiff_t from_row, float *c,
                              ptrdiff_t c_row, ptrdiff_t inner, const int begins) {
#define AT(j) (j == vectors - 1 ? last : j * WIDTH)
  CK(vector) sum[LINES][VECTORS];
  for (int i = 0; i < lines; i++)
    for (int j = 0; j < vectors; j++)
      sum[i][j] = begins ? *(const CK(vector) *)(from + i * from_row + AT(j)) : (CK(vector)){0};
  for (ptrdiff_t k = 0; k < inner; k++) {
    FUSED
    CK(vector) right[VECTORS];
    for (int j = 0; j < vectors; j++) right[j] = *(const CK(vector) *)(b + k * b_inner + AT(j));
    for (int i = 0; i < lines; i++) {
      const float left = a[i * a_row + k * a_inner];
      for (int j = 0; j < vectors; j++) sum[i][j] += left * right[j];
    }
  }
  for (int i = 0; i < lines; i++)
    for (int j = 0; j < vectors; j++) *(CK(vector) *)(c + i * c_row + AT(j)) = sum[i][j];
#undef AT
}

#define COLUMNS(vectors)                                                                       \
  case vectors:                                                                                \
    CK(product_block)(lines, vectors, last, a, a_row, a_inner, b, b_inner, from, from_row, c,  \
                      c_row, inner, begins);                                                   \
    break;

INLINE void CK(product_lines)(const int lines, int vectors, ptrdiff_t last, const float *a,
                              ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                              ptrdiff_t b_inner, const float *from, ptrdiff_t from_row, float *c,
                              ptrdiff_t c_row, ptrdiff_t inner, const int begins) {
  switch (vectors) {
    COLUMNS(1)
    COLUMNS(2)
#if VECTORS > 2
    COLUMNS(3)
    COLUMNS(4)
#endif
  }
}

#undef COLUMNS

// As product, for fewer columns than a vector has: they are copied side by side, with zeros after
// them.
static void CK(product_rest)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                             ptrdiff_t b_inner, const float *from, ptrdiff_t from_row, float *c,
                             ptrdiff_t c_row, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner,
                             int begins) {
  float right[CK_BLOCK][WIDTH] = {{0}}, sums[WIDTH];
  for (ptrdiff_t first = 0; first < inner; first += CK_BLOCK) {
    ptrdiff_t left = inner - first, count = left < CK_BLOCK ? left : CK_BLOCK;
    for (ptrdiff_t k = 0; k < count; k++)
      for (ptrdiff_t i = 0; i < columns; i++) right[k][i] = b[(first + k) * b_inner + i];
    for (ptrdiff_t row = 0; row < rows; row++) {
      float *out = c + row * c_row;
      const float *before = first > 0 ? out : from + row * from_row;
      CK(product_block)(1, 1, 0, a + row * a_row + first * a_inner, a_row, a_inner, right[0],
                        WIDTH, sums, WIDTH, sums, WIDTH, count, 0);
      for (ptrdiff_t i = 0; i < columns; i++)
        out[i] = (begins || first > 0 ? before[i] : 0) + sums[i];
    }
  }
}

// c [rows][columns] = a b; with `begins`, added to what stands in `from`. b, c and `from` have contiguous
// rows; a is read number by number, in any layout. For factors that lie in the cache already: nothing is
// packed.
INLINE void CK(product)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                        ptrdiff_t b_inner, const float *from, ptrdiff_t from_row, float *c,
                        ptrdiff_t c_row, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner,
                        const int begins) {
  if (columns < WIDTH) {
    CK(product_rest)(a, a_row, a_inner, b, b_inner, from, from_row, c, c_row, rows, columns, inner,
                     begins);
    return;
  }
  for (ptrdiff_t column = 0; column < columns;) {
    // The fewest chunks of columns, as even as they go, the wider ones last: only there a vector
    // may begin within the one before it, which must be of the same chunk.
    ptrdiff_t left = columns - column, rest = (left + WIDTH - 1) / WIDTH;
    int vectors = (int)(rest / ((rest + VECTORS - 1) / VECTORS));
    ptrdiff_t width = left < vectors * WIDTH ? left : vectors * WIDTH, last = width - WIDTH, row = 0;
    for (; row + LINES <= rows; row += LINES)
      CK(product_lines)(LINES, vectors, last, a + row * a_row, a_row, a_inner, b + column, b_inner,
                        from + row * from_row + column, from_row, c + row * c_row + column, c_row,
                        inner, begins);
    for (; row + 4 <= rows; row += 4)
      CK(product_lines)(4, vectors, last, a + row * a_row, a_row, a_inner, b + column, b_inner,
                        from + row * from_row + column, from_row, c + row * c_row + column, c_row,
                        inner, begins);
    for (; row < rows; row++)
      CK(product_lines)(1, vectors, last, a + row * a_row, a_row, a_inner, b + column, b_inner,
                        from + row * from_row + column, from_row, c + row * c_row + column, c_row,
                        inner, begins);
    column += width;
  }
}

#ifndef BRAIN

typedef float CK(quad) __attribute__((vector_size(16), aligned(4)));

// Four numbers of each of four rows of x to four rows of a panel.
INLINE void CK(pack_quads)(const float *x, ptrdiff_t stride, float *panel) {
  const CK(quad) a = *(const CK(quad) *)x, b = *(const CK(quad) *)(x + stride);
  const CK(quad) c = *(const CK(quad) *)(x + 2 * stride), d = *(const CK(quad) *)(x + 3 * stride);
  const CK(quad) ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const CK(quad) cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const CK(quad) ab2 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const CK(quad) cd2 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  *(CK(quad) *)panel = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  *(CK(quad) *)(panel + CK_PANEL) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  *(CK(quad) *)(panel + 2 * CK_PANEL) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
  *(CK(quad) *)(panel + 3 * CK_PANEL) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

#if WIDTH == 16

typedef _Float16 CK(halves) __attribute__((vector_size(2 * WIDTH), aligned(2)));
typedef uint16_t CK(shorts) __attribute__((vector_size(2 * WIDTH), aligned(2)));
typedef uint32_t CK(bits) __attribute__((vector_size(4 * WIDTH)));

INLINE CK(vector) CK(widened)(const uint16_t *x, const int brain) {
  if (brain)
    return (CK(vector))(__builtin_convertvector(*(const CK(shorts) *)x, CK(bits)) << 16);
  return __builtin_convertvector(*(const CK(halves) *)x, CK(vector));
}

// Sixteen rows of sixteen numbers as the columns of sixteen rows of a panel: pairs of rows are woven within
// quarters of a vector, first number by number and then two by two, and last the quarters are gathered.
INLINE void CK(pack_square)(const CK(vector) rows[16], float *panel) {
#define WEAVE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#define LOW(a, b) WEAVE(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
#define HIGH(a, b) WEAVE(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
#define LOW_PAIRS(a, b) WEAVE(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
#define HIGH_PAIRS(a, b) WEAVE(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
#define EVEN(a, b) WEAVE(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
#define ODD(a, b) WEAVE(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
#define ROW(k) *(CK(vector) *)(panel + (k) * CK_PANEL)
  CK(vector) woven[16];
  for (int i = 0; i < 16; i += 4) {
    const CK(vector) a = LOW(rows[i], rows[i + 1]), b = LOW(rows[i + 2], rows[i + 3]);
    const CK(vector) c = HIGH(rows[i], rows[i + 1]), d = HIGH(rows[i + 2], rows[i + 3]);
    woven[i] = LOW_PAIRS(a, b);
    woven[i + 1] = HIGH_PAIRS(a, b);
    woven[i + 2] = LOW_PAIRS(c, d);
    woven[i + 3] = HIGH_PAIRS(c, d);
  }
  for (int k = 0; k < 4; k++) {
    const CK(vector) a = EVEN(woven[k], woven[4 + k]), b = EVEN(woven[8 + k], woven[12 + k]);
    const CK(vector) c = ODD(woven[k], woven[4 + k]), d = ODD(woven[8 + k], woven[12 + k]);
    ROW(k) = EVEN(a, b);
    ROW(4 + k) = EVEN(c, d);
    ROW(8 + k) = ODD(a, b);
    ROW(12 + k) = ODD(c, d);
  }
#undef WEAVE
#undef LOW
#undef HIGH
#undef LOW_PAIRS
#undef HIGH_PAIRS
#undef EVEN
#undef ODD
#undef ROW
}

// Sixteen numbers of each row of a whole panel.
INLINE void CK(pack_squares)(const float *x, ptrdiff_t stride, float *panel) {
  for (int i = 0; i < CK_PANEL; i += 16) {
    CK(vector) rows[16];
    for (int j = 0; j < 16; j++) rows[j] = *(const CK(vector) *)(x + (i + j) * stride);
    CK(pack_square)(rows, panel + i);
  }
}

INLINE void CK(pack_half_squares)(const uint16_t *x, ptrdiff_t stride, const int brain,
                                  float *panel) {
  for (int i = 0; i < CK_PANEL; i += 16) {
    CK(vector) rows[16];
    for (int j = 0; j < 16; j++) rows[j] = CK(widened)(x + (i + j) * stride, brain);
    CK(pack_square)(rows, panel + i);
  }
}

#endif

// Sixteen of the width at a time: the rows' cache lines and those of the panel stay in the cache.
static void CK(pack)(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                     float *packed) {
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL) {
    ptrdiff_t some = count - first < CK_PANEL ? count - first : CK_PANEL, quads = some / 4 * 4;
    const float *in = x + first * stride;
    float *panel = packed + first * width;
    for (ptrdiff_t at = 0; at < width; at += 16) {
      ptrdiff_t end = width - at < 16 ? width : at + 16, whole = at + (end - at) / 4 * 4;
#if WIDTH == 16
      if (some == CK_PANEL && end - at == 16) {
        CK(pack_squares)(in + at, stride, panel + at * CK_PANEL);
        continue;
      }
#endif
      for (ptrdiff_t i = 0; i < quads; i += 4) {
        for (ptrdiff_t k = at; k < whole; k += 4)
          CK(pack_quads)(in + i * stride + k, stride, panel + k * CK_PANEL + i);
        for (ptrdiff_t k = whole; k < end; k++)
          for (int j = 0; j < 4; j++) panel[k * CK_PANEL + i + j] = in[(i + j) * stride + k];
      }
      for (ptrdiff_t i = quads; i < CK_PANEL; i++)
        for (ptrdiff_t k = at; k < end; k++)
          panel[k * CK_PANEL + i] = i < some ? in[i * stride + k] : 0;
    }
  }
}

// The numbers of a row lie side by side already.
static void CK(pack_rows)(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                          float *packed) {
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL) {
    ptrdiff_t some = count - first < CK_PANEL ? count - first : CK_PANEL;
    float *panel = packed + first * width;
    for (ptrdiff_t k = 0; k < width; k++) {
      const float *in = x + k * stride + first;
      float *out = panel + k * CK_PANEL;
      for (ptrdiff_t i = 0; i < some; i++) out[i] = in[i];
      for (ptrdiff_t i = some; i < CK_PANEL; i++) out[i] = 0;
    }
  }
}

// What is not turned in registers is widened beside, some of the width at a time.
static void CK(pack_halves)(const uint16_t *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                            int brain, float *packed) {
  float wide[CK_PANEL * 16];
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL)
    for (ptrdiff_t at = 0; at < width; at += 16) {
      ptrdiff_t some = count - first < CK_PANEL ? count - first : CK_PANEL;
      ptrdiff_t terms = width - at < 16 ? width - at : 16;
      const uint16_t *in = x + first * stride + at;
      float *panel = packed + first * width + at * CK_PANEL;
#if WIDTH == 16
      if (some == CK_PANEL && terms == 16) {
        if (brain)
          CK(pack_half_squares)(in, stride, 1, panel);
        else
          CK(pack_half_squares)(in, stride, 0, panel);
        continue;
      }
#endif
      for (ptrdiff_t i = 0; i < some; i++) CK(widen)(in + i * stride, wide + i * 16, terms, brain);
      CK(pack)(wide, 16, some, terms, panel);
    }
}

static void CK(pack_half_rows)(const uint16_t *x, ptrdiff_t stride, ptrdiff_t count,
                               ptrdiff_t width, int brain, float *packed) {
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL) {
    ptrdiff_t some = count - first < CK_PANEL ? count - first : CK_PANEL;
    for (ptrdiff_t k = 0; k < width; k++) {
      float *out = packed + first * width + k * CK_PANEL;
      CK(widen)(x + k * stride + first, out, some, brain);
      for (ptrdiff_t i = some; i < CK_PANEL; i++) out[i] = 0;
    }
  }
}

// The sum is cut so that the panel's part and some rows of x stay in the cache.
static void CK(panel_product)(const float *x, ptrdiff_t x_row, ptrdiff_t x_inner,
                              const float *packed, ptrdiff_t width, const float *from,
                              ptrdiff_t from_row, float *y, ptrdiff_t y_row, ptrdiff_t rows,
                              ptrdiff_t columns, ptrdiff_t inner) {
  for (ptrdiff_t row = 0; row < rows; row += CK_TILE) {
    ptrdiff_t height = rows - row < CK_TILE ? rows - row : CK_TILE;
    const float *panel = packed;
    for (ptrdiff_t column = 0; column < columns; column += width, panel += inner * CK_PANEL) {
      ptrdiff_t some = columns - column < width ? columns - column : width;
      float *out = y + row * y_row + column;
      for (ptrdiff_t k = 0; k < inner; k += DEPTH) {
        ptrdiff_t left = inner - k, count = left < DEPTH ? left : DEPTH;
        const float *in = x + row * x_row + k * x_inner;
        const float *right = panel + k * CK_PANEL;
        if (k > 0)
          CK(product)(in, x_row, x_inner, right, CK_PANEL, out, y_row, out, y_row, height, some,
                      count, 1);
        else if (from)
          CK(product)(in, x_row, x_inner, right, CK_PANEL, from + row * from_row + column, from_row,
                      out, y_row, height, some, count, 1);
        else
          CK(product)(in, x_row, x_inner, right, CK_PANEL, out, y_row, out, y_row, height, some,
                      count, 0);
      }
    }
  }
}

static ptrdiff_t CK(panel_size)(ptrdiff_t inner) { return inner * CK_PANEL; }

#endif
#undef DEPTH
