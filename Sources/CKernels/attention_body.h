// Attention in tiles of queries and blocks of keys, none of whose maps leaves the cache.
//
// Reference: Dao et al., FlashAttention, arXiv 2205.14135, algorithms 1 and 4: the running maximum
// and sum of a row, and in the pullback <dy, y> in place of the row's sum of p dp.

#define PANEL CK_PANEL                 // keys side by side in a packed panel
#define BLOCK (4 * PANEL)              // keys taken at a time
#define TILE CK_ATTENTION_TILE         // queries taken at a time
#define DEPTH 512                      // terms of a panel product's sums taken at a time

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
  float right[BLOCK][WIDTH] = {{0}}, sums[WIDTH];
  for (ptrdiff_t first = 0; first < inner; first += BLOCK) {
    ptrdiff_t left = inner - first, count = left < BLOCK ? left : BLOCK;
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

static void CK(matrix_product)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                               ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                               ptrdiff_t columns, ptrdiff_t inner) {
  CK(product)(a, a_row, a_inner, b, b_inner, c, c_row, rows, columns, inner, 0);
}

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
  *(CK(quad) *)(panel + PANEL) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  *(CK(quad) *)(panel + 2 * PANEL) = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
  *(CK(quad) *)(panel + 3 * PANEL) = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

// Sixteen of the width at a time: the rows' cache lines and those of the panel stay in the cache.
static void CK(pack)(const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width,
                     float *packed) {
  for (ptrdiff_t first = 0; first < rows; first += PANEL) {
    ptrdiff_t count = rows - first < PANEL ? rows - first : PANEL, quads = count / 4 * 4;
    const float *in = x + first * stride;
    float *panel = packed + first * width;
    for (ptrdiff_t at = 0; at < width; at += 16) {
      ptrdiff_t end = width - at < 16 ? width : at + 16, whole = at + (end - at) / 4 * 4;
      for (ptrdiff_t i = 0; i < quads; i += 4) {
        for (ptrdiff_t k = at; k < whole; k += 4)
          CK(pack_quads)(in + i * stride + k, stride, panel + k * PANEL + i);
        for (ptrdiff_t k = whole; k < end; k++)
          for (int j = 0; j < 4; j++) panel[k * PANEL + i + j] = in[(i + j) * stride + k];
      }
      for (ptrdiff_t i = quads; i < PANEL; i++)
        for (ptrdiff_t k = at; k < end; k++)
          panel[k * PANEL + i] = i < count ? in[i * stride + k] : 0;
    }
  }
}

// y [rows][columns] (+)= x times one panel. The sum is cut so that the panel's part and some rows of
// x stay in the cache.
static void CK(panel_product)(const float *x, ptrdiff_t x_row, const float *panel, float *y,
                              ptrdiff_t y_row, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner,
                              int accumulate) {
  for (ptrdiff_t row = 0; row < rows; row += TILE) {
    ptrdiff_t some = rows - row < TILE ? rows - row : TILE;
    float *out = y + row * y_row;
    for (ptrdiff_t k = 0; k < inner; k += DEPTH) {
      ptrdiff_t left = inner - k, count = left < DEPTH ? left : DEPTH;
      const float *in = x + row * x_row + k;
      if (k == 0 && !accumulate)
        CK(product)(in, x_row, 1, panel, PANEL, out, y_row, some, columns, count, 0);
      else
        CK(product)(in, x_row, 1, panel + k * PANEL, PANEL, out, y_row, some, columns, count, 1);
    }
  }
}

// out [rows][BLOCK] = a times the packed keys first..<first + count.
INLINE void CK(attention_scores)(const float *a, ptrdiff_t stride, ptrdiff_t rows,
                                 const float *packed, ptrdiff_t width, ptrdiff_t first,
                                 ptrdiff_t count, float *out) {
  for (ptrdiff_t at = 0; at < count; at += PANEL)
    CK(product)(a, stride, 1, packed + (first + at) * width, PANEL, out + at, BLOCK, rows, PANEL,
                width, 0);
}

// exp for x <= 0: below -87 it is 0.
INLINE float CK(exp_down)(float x) {
  uint32_t k;
  float e = CK(exp_fraction)(x, &k);
  union { uint32_t i; float f; } scale = {(k << 23) + 0x3f800000u};
  return x < -87.0f ? 0.0f : e * scale.f;
}

// How many of a block's keys from `first` on a query sees.
INLINE ptrdiff_t CK(attention_seen)(const struct ck_attention *shape, ptrdiff_t query,
                                    ptrdiff_t first, ptrdiff_t count) {
  ptrdiff_t seen = shape->causal ? query + 1 - first : count;
  return seen < 0 ? 0 : seen < count ? seen : count;
}

static void CK(attention_tile)(const struct ck_attention *shape, const float *q,
                               const float *packed_keys, const float *v, float *y, float *stats,
                               ptrdiff_t from, ptrdiff_t rows, float *scratch) {
  const ptrdiff_t width = shape->width, stride = shape->stride;
  float top[TILE], *scores = scratch;
  double sum[TILE];
  for (ptrdiff_t r = 0; r < rows; r++) top[r] = -__builtin_inff(), sum[r] = 0;
  for (ptrdiff_t first = 0; first < shape->keys; first += BLOCK) {
    ptrdiff_t left = shape->keys - first, count = left < BLOCK ? left : BLOCK;
    if (shape->causal && first > from + rows - 1) break;
    CK(attention_scores)(q, stride, rows, packed_keys, width, first, count, scores);
    for (ptrdiff_t r = 0; r < rows; r++) {
      RELAXED
      float *row = scores + r * BLOCK;
      ptrdiff_t seen = CK(attention_seen)(shape, from + r, first, count);
      for (ptrdiff_t i = seen; i < count; i++) row[i] = 0;
      if (seen == 0) continue;
      float best = CK(top)(row, seen) * shape->scale, add = 0;
      if (best > top[r]) {
        float factor = CK(exp1)(top[r] - best);
        top[r] = best;
        sum[r] *= factor;
        if (first > 0)
          for (ptrdiff_t i = 0; i < width; i++) y[r * stride + i] *= factor;
      }
      const float most = top[r], scale = shape->scale;
      EACH
      for (ptrdiff_t i = 0; i < seen; i++) {
        float e = CK(exp_down)(row[i] * scale - most);
        row[i] = e;
        add += e;
      }
      sum[r] += add;
    }
    if (first == 0)
      CK(product)(scores, BLOCK, 1, v, stride, y, stride, rows, width, count, 0);
    else
      CK(product)(scores, BLOCK, 1, v + first * stride, stride, y, stride, rows, width, count, 1);
  }
  for (ptrdiff_t r = 0; r < rows; r++) {
    float inverse = (float)(1.0 / sum[r]);
    for (ptrdiff_t i = 0; i < width; i++) y[r * stride + i] *= inverse;
    stats[2 * r] = top[r];
    stats[2 * r + 1] = inverse;
  }
}

static void CK(attention_tile_pullback)(const struct ck_attention *shape, const float *q,
                                        const float *k, const float *packed_keys,
                                        const float *packed_values, const float *y,
                                        const float *dy, const float *stats, float *dq, float *dk,
                                        float *dv, ptrdiff_t from, ptrdiff_t rows,
                                        float *scratch) {
  const ptrdiff_t width = shape->width, stride = shape->stride;
  float mean[TILE], *p = scratch, *dp = scratch + TILE * BLOCK;
  for (ptrdiff_t r = 0; r < rows; r++) mean[r] = CK(dot)(y + r * stride, dy + r * stride, width);
  for (ptrdiff_t first = 0; first < shape->keys; first += BLOCK) {
    ptrdiff_t left = shape->keys - first, count = left < BLOCK ? left : BLOCK;
    if (shape->causal && first > from + rows - 1) break;
    CK(attention_scores)(q, stride, rows, packed_keys, width, first, count, p);
    CK(attention_scores)(dy, stride, rows, packed_values, width, first, count, dp);
    for (ptrdiff_t r = 0; r < rows; r++) {
      FUSED
      float *row = p + r * BLOCK, *slope = dp + r * BLOCK;
      const float most = stats[2 * r], inverse = stats[2 * r + 1], scale = shape->scale;
      const float average = mean[r];
      ptrdiff_t seen = CK(attention_seen)(shape, from + r, first, count);
      EACH
      for (ptrdiff_t i = 0; i < seen; i++) {
        float e = CK(exp_down)(row[i] * scale - most) * inverse;
        row[i] = e;
        slope[i] = scale * e * (slope[i] - average);
      }
      for (ptrdiff_t i = seen; i < count; i++) row[i] = slope[i] = 0;
    }
    if (first == 0)
      CK(product)(dp, BLOCK, 1, k, stride, dq, stride, rows, width, count, 0);
    else
      CK(product)(dp, BLOCK, 1, k + first * stride, stride, dq, stride, rows, width, count, 1);
    CK(product)(p, 1, BLOCK, dy, stride, dv + first * stride, stride, count, width, rows, 1);
    CK(product)(dp, 1, BLOCK, q, stride, dk + first * stride, stride, count, width, rows, 1);
  }
}

#undef PANEL
#undef BLOCK
#undef TILE
#undef DEPTH
