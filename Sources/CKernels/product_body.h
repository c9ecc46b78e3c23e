// Products of matrices whose factors lie in the cache, and the packing that brings them there.

#define DEPTH 512  // terms of a panel product's sums taken at a time

typedef float CK(vector) __attribute__((vector_size(4 * WIDTH), aligned(4)));

// c [rows][columns] (+)= a b for up to LINES rows and as many columns as `vectors` cover, all in
// registers. The last vector begins at column `last`, over a part of the one before it where the
// columns are no multiple of WIDTH: both hold the same sums there.
INLINE void CK(product_block)(const int lines, const int vectors, ptrdiff_t last, const float *a,
                              ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                              ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t inner,
                              const int accumulate) {
#define AT(j) (j == vectors - 1 ? last : j * WIDTH)
  CK(vector) sum[LINES][VECTORS];
  for (int i = 0; i < lines; i++)
    for (int j = 0; j < vectors; j++)
      sum[i][j] = accumulate ? *(const CK(vector) *)(c + i * c_row + AT(j)) : (CK(vector)){0};
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

#define COLUMNS(vectors)                                                                     \
  case vectors:                                                                              \
    CK(product_block)(lines, vectors, last, a, a_row, a_inner, b, b_inner, c, c_row, inner,  \
                      accumulate);                                                           \
    break;

INLINE void CK(product_lines)(const int lines, int vectors, ptrdiff_t last, const float *a,
                              ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                              ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t inner,
                              const int accumulate) {
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
                             ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                             ptrdiff_t columns, ptrdiff_t inner, int accumulate) {
  float right[CK_BLOCK][WIDTH] = {{0}}, sums[WIDTH];
  for (ptrdiff_t first = 0; first < inner; first += CK_BLOCK) {
    ptrdiff_t left = inner - first, count = left < CK_BLOCK ? left : CK_BLOCK;
    for (ptrdiff_t k = 0; k < count; k++)
      for (ptrdiff_t i = 0; i < columns; i++) right[k][i] = b[(first + k) * b_inner + i];
    for (ptrdiff_t row = 0; row < rows; row++) {
      float *out = c + row * c_row;
      CK(product_block)(1, 1, 0, a + row * a_row + first * a_inner, a_row, a_inner, right[0],
                        WIDTH, sums, WIDTH, count, 0);
      for (ptrdiff_t i = 0; i < columns; i++)
        out[i] = (accumulate || first > 0 ? out[i] : 0) + sums[i];
    }
  }
}

// c [rows][columns] (+)= a b. b and c have contiguous rows; a is read number by number, in any
// layout. For factors that lie in the cache already: nothing is packed.
INLINE void CK(product)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                        ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                        ptrdiff_t columns, ptrdiff_t inner, const int accumulate) {
  if (columns < WIDTH) {
    CK(product_rest)(a, a_row, a_inner, b, b_inner, c, c_row, rows, columns, inner, accumulate);
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
                        c + row * c_row + column, c_row, inner, accumulate);
    for (; row + 4 <= rows; row += 4)
      CK(product_lines)(4, vectors, last, a + row * a_row, a_row, a_inner, b + column, b_inner,
                        c + row * c_row + column, c_row, inner, accumulate);
    for (; row < rows; row++)
      CK(product_lines)(1, vectors, last, a + row * a_row, a_row, a_inner, b + column, b_inner,
                        c + row * c_row + column, c_row, inner, accumulate);
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

// Sixteen of the width at a time: the rows' cache lines and those of the panel stay in the cache.
static void CK(pack)(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                     float *packed) {
  for (ptrdiff_t first = 0; first < count; first += CK_PANEL) {
    ptrdiff_t some = count - first < CK_PANEL ? count - first : CK_PANEL, quads = some / 4 * 4;
    const float *in = x + first * stride;
    float *panel = packed + first * width;
    for (ptrdiff_t at = 0; at < width; at += 16) {
      ptrdiff_t end = width - at < 16 ? width : at + 16, whole = at + (end - at) / 4 * 4;
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

// The sum is cut so that the panel's part and some rows of x stay in the cache.
static void CK(panel_product)(const float *x, ptrdiff_t x_row, ptrdiff_t x_inner,
                              const float *packed, ptrdiff_t width, float *y, ptrdiff_t y_row,
                              ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner, int accumulate) {
  for (ptrdiff_t row = 0; row < rows; row += CK_TILE) {
    ptrdiff_t height = rows - row < CK_TILE ? rows - row : CK_TILE;
    const float *panel = packed;
    for (ptrdiff_t column = 0; column < columns; column += width, panel += inner * CK_PANEL) {
      ptrdiff_t some = columns - column < width ? columns - column : width;
      float *out = y + row * y_row + column;
      for (ptrdiff_t k = 0; k < inner; k += DEPTH) {
        ptrdiff_t left = inner - k, count = left < DEPTH ? left : DEPTH;
        const float *in = x + row * x_row + k * x_inner;
        if (k == 0 && !accumulate)
          CK(product)(in, x_row, x_inner, panel, CK_PANEL, out, y_row, height, some, count, 0);
        else
          CK(product)(in, x_row, x_inner, panel + k * CK_PANEL, CK_PANEL, out, y_row, height, some,
                      count, 1);
      }
    }
  }
}

static ptrdiff_t CK(panel_size)(ptrdiff_t inner) { return inner * CK_PANEL; }

#endif
#undef DEPTH
