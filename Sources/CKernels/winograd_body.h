// The three transforms of Winograd's minimal filtering F(m x m, 3 x 3), m = 2 or 4: a tile of
// (m + 2)^2 inputs, (m + 2)^2 products per pair of channels, m^2 outputs.
//
// m = 2 interpolates at 0, ±1 and infinity. m = 4 interpolates at 0, ±√½, ±√2 and infinity: the
// reciprocal pairs keep the transforms' numbers near 1, and the rounding error is half of what the
// customary 0, ±1, ±2 gives (relative to the direct sum's: 4.5 against 9.7, 320 channels).

#define TILES 32                    // tiles side by side that are transformed at a time
#define SPAN (4 * TILES + 2)        // the inputs they cover
#define ROOT_HALF 0.70710678118654752f
#define ROOT_TWO 1.41421356237309505f

// One line of inputs to one line of the transformed tile.
INLINE void CK(winograd_line_in)(int m, const float d[6], float v[6]) {
  FUSED
  if (m == 2) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
    return;
  }
  float even1 = d[4] - 2.0f * d[2], odd1 = ROOT_HALF * d[3] - ROOT_TWO * d[1];
  float even2 = d[4] - 0.5f * d[2], odd2 = ROOT_TWO * d[3] - ROOT_HALF * d[1];
  v[0] = d[0] - 2.5f * d[2] + d[4];
  v[1] = even1 + odd1;
  v[2] = even1 - odd1;
  v[3] = even2 + odd2;
  v[4] = even2 - odd2;
  v[5] = d[1] - 2.5f * d[3] + d[5];
}

// One line of a kernel to one line of the transformed kernel.
INLINE void CK(winograd_line_kernel)(int m, const float g[3], float u[6]) {
  FUSED
  if (m == 2) {
    u[0] = g[0];
    u[1] = 0.5f * (g[0] + g[2] + g[1]);
    u[2] = 0.5f * (g[0] + g[2] - g[1]);
    u[3] = g[2];
    return;
  }
  float even1 = -0.66666667f * g[0] - 0.33333333f * g[2], odd1 = -0.47140452f * g[1];
  float even2 = 0.16666667f * g[0] + 0.33333333f * g[2], odd2 = 0.23570226f * g[1];
  u[0] = g[0];
  u[1] = even1 + odd1;
  u[2] = even1 - odd1;
  u[3] = even2 + odd2;
  u[4] = even2 - odd2;
  u[5] = g[2];
}

// One line of products to m outputs.
INLINE void CK(winograd_line_out)(int m, const float p[6], float y[4]) {
  FUSED
  if (m == 2) {
    y[0] = p[0] + p[1] + p[2];
    y[1] = p[1] - p[2] - p[3];
    return;
  }
  float even1 = p[1] + p[2], odd1 = p[1] - p[2], even2 = p[3] + p[4], odd2 = p[3] - p[4];
  y[0] = p[0] + even1 + even2;
  y[1] = ROOT_HALF * odd1 + ROOT_TWO * odd2;
  y[2] = 0.5f * even1 + 2.0f * even2;
  y[3] = 0.5f * ROOT_HALF * odd1 + 2.0f * ROOT_TWO * odd2 + p[5];
}

// Columns `left`… of row `y` of a picture, zero outside of it.
INLINE void CK(winograd_row)(const float *x, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t y,
                             ptrdiff_t left, ptrdiff_t width, float *out) {
  ptrdiff_t first = left < 0 ? -left : 0, end = columns - left < width ? columns - left : width;
  if (y < 0 || y >= rows || end <= first) first = end = 0;
  for (ptrdiff_t i = 0; i < first; i++) out[i] = 0;
  for (ptrdiff_t i = first; i < end; i++) out[i] = x[y * columns + left + i];
  for (ptrdiff_t i = end; i < width; i++) out[i] = 0;
}

INLINE void CK(winograd_tiles_in)(const int m, const float *x, ptrdiff_t rows, ptrdiff_t columns,
                                  ptrdiff_t y, ptrdiff_t left, ptrdiff_t count, float *v,
                                  ptrdiff_t tap) {
  const int n = m + 2;
  const ptrdiff_t width = m * count + 2;
  float line[6][SPAN], phase[4][TILES + 1];
  for (int j = 0; j < n; j++) CK(winograd_row)(x, rows, columns, y + j, left, width, line[j]);
  EACH
  for (ptrdiff_t i = 0; i < width; i++) {
    float d[6], t[6];
    for (int j = 0; j < n; j++) d[j] = line[j][i];
    CK(winograd_line_in)(m, d, t);
    for (int j = 0; j < n; j++) line[j][i] = t[j];
  }
  for (int j = 0; j < n; j++) {
    EACH
    for (ptrdiff_t t = 0; t < count; t++)
      for (int k = 0; k < m; k++) phase[k][t] = line[j][m * t + k];
    phase[0][count] = line[j][m * count];
    phase[1][count] = line[j][m * count + 1];
    float *out = v + j * n * tap;
    EACH
    for (ptrdiff_t t = 0; t < count; t++) {
      float d[6], w[6];
      for (int k = 0; k < m; k++) d[k] = phase[k][t];
      d[m] = phase[0][t + 1];
      d[m + 1] = phase[1][t + 1];
      CK(winograd_line_in)(m, d, w);
      for (int k = 0; k < n; k++) out[k * tap + t] = w[k];
    }
  }
}

static void CK(winograd_input)(const float *x, float *v, const struct ck_winograd *shape,
                               ptrdiff_t first, ptrdiff_t end, ptrdiff_t tap) {
  for (ptrdiff_t row = first; row < end; row++)
    for (ptrdiff_t at = 0; at < shape->tile_columns; at += TILES) {
      ptrdiff_t left = shape->tile_columns - at, count = left < TILES ? left : TILES;
      ptrdiff_t m = shape->tile, y = m * row - shape->top, c = m * at - shape->left;
      float *out = v + (row - first) * shape->tile_columns + at;
      if (m == 2)
        CK(winograd_tiles_in)(2, x, shape->rows, shape->columns, y, c, count, out, tap);
      else
        CK(winograd_tiles_in)(4, x, shape->rows, shape->columns, y, c, count, out, tap);
    }
}

INLINE void CK(winograd_kernels)(const int m, const float *w, ptrdiff_t stride, float *u,
                                 ptrdiff_t count, int flip, ptrdiff_t tap) {
  const int n = m + 2;
  float g[9][LANES] = {{0}}, t[6][3][LANES];
  // Loads far apart are not foreseen by the processor.
  if (stride == 9)
    for (int line = 0; line < 9; line++) __builtin_prefetch(w + 9 * LANES * 3 + line * LANES);
  for (ptrdiff_t i = 0; i < count; i++)
    for (int k = 0; k < 9; k++) g[k][i] = w[stride * i + (flip ? 8 - k : k)];
  for (int column = 0; column < 3; column++) {
    EACH
    for (ptrdiff_t i = 0; i < LANES; i++) {
      float d[3] = {g[column][i], g[3 + column][i], g[6 + column][i]}, r[6];
      CK(winograd_line_kernel)(m, d, r);
      for (int j = 0; j < n; j++) t[j][column][i] = r[j];
    }
  }
  for (int j = 0; j < n; j++) {
    float *out = u + j * n * tap;
    EACH
    for (ptrdiff_t i = 0; i < count; i++) {
      float d[3] = {t[j][0][i], t[j][1][i], t[j][2][i]}, r[6];
      CK(winograd_line_kernel)(m, d, r);
      for (int k = 0; k < n; k++) out[k * tap + i] = r[k];
    }
  }
}

static void CK(winograd_kernel)(const float *w, ptrdiff_t stride, float *u, ptrdiff_t count,
                                int tile, int flip, ptrdiff_t tap) {
  for (ptrdiff_t i = 0; i < count; i += LANES) {
    ptrdiff_t some = count - i < LANES ? count - i : LANES;
    if (some == LANES && tile == 4)
      CK(winograd_kernels)(4, w + stride * i, stride, u + i, LANES, flip, tap);
    else if (tile == 4)
      CK(winograd_kernels)(4, w + stride * i, stride, u + i, some, flip, tap);
    else
      CK(winograd_kernels)(2, w + stride * i, stride, u + i, some, flip, tap);
  }
}

INLINE void CK(winograd_tiles_out)(const int m, const float *p, ptrdiff_t tap, ptrdiff_t count,
                                   float bias, float line[4][4 * TILES]) {
  const int n = m + 2;
  float half[4][6][TILES];
  for (int k = 0; k < n; k++) {
    EACH
    for (ptrdiff_t t = 0; t < count; t++) {
      float d[6], r[4];
      for (int j = 0; j < n; j++) d[j] = p[(j * n + k) * tap + t];
      CK(winograd_line_out)(m, d, r);
      for (int j = 0; j < m; j++) half[j][k][t] = r[j];
    }
  }
  for (int j = 0; j < m; j++) {
    EACH
    for (ptrdiff_t t = 0; t < count; t++) {
      float d[6], r[4];
      for (int k = 0; k < n; k++) d[k] = half[j][k][t];
      CK(winograd_line_out)(m, d, r);
      for (int k = 0; k < m; k++) line[j][m * t + k] = r[k] + bias;
    }
  }
}

static void CK(winograd_output)(const float *p, float *y, const struct ck_winograd *shape,
                                ptrdiff_t first, ptrdiff_t end, ptrdiff_t tap, float bias) {
  const ptrdiff_t m = shape->tile;
  float line[4][4 * TILES];
  for (ptrdiff_t row = first; row < end; row++)
    for (ptrdiff_t at = 0; at < shape->tile_columns; at += TILES) {
      ptrdiff_t left = shape->tile_columns - at, count = left < TILES ? left : TILES;
      const float *in = p + (row - first) * shape->tile_columns + at;
      if (m == 2)
        CK(winograd_tiles_out)(2, in, tap, count, bias, line);
      else
        CK(winograd_tiles_out)(4, in, tap, count, bias, line);
      ptrdiff_t rest = shape->out_columns - m * at, width = rest < m * count ? rest : m * count;
      for (ptrdiff_t j = 0; j < m && m * row + j < shape->out_rows; j++) {
        float *out = y + (m * row + j) * shape->out_columns + m * at;
        EACH
        for (ptrdiff_t i = 0; i < width; i++) out[i] = line[j][i];
      }
    }
}

#undef TILES
#undef SPAN
#undef ROOT_HALF
#undef ROOT_TWO
