// Attention in tiles of queries and blocks of keys, none of whose maps leaves the cache.
//
// Reference: Dao et al., FlashAttention, arXiv 2205.14135, algorithms 1 and 4: the running maximum
// and sum of a row, and in the pullback <dy, y> in place of the row's sum of p dp.

// out [rows][CK_BLOCK] = a times the packed keys first..<first + count, whole panels of them.
INLINE void CK(attention_scores)(const float *a, ptrdiff_t stride, ptrdiff_t rows,
                                 const float *packed, ptrdiff_t width, ptrdiff_t first,
                                 ptrdiff_t count, float *out) {
  CK(panel_product)(a, stride, 1, packed + first / CK_PANEL * CK(panel_size)(width), CK_PANEL, 0, 0,
                    out, CK_BLOCK, rows, (count + CK_PANEL - 1) / CK_PANEL * CK_PANEL, width);
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
  float top[CK_TILE], *scores = scratch;
  double sum[CK_TILE];
  for (ptrdiff_t r = 0; r < rows; r++) top[r] = -__builtin_inff(), sum[r] = 0;
  for (ptrdiff_t first = 0; first < shape->keys; first += CK_BLOCK) {
    ptrdiff_t left = shape->keys - first, count = left < CK_BLOCK ? left : CK_BLOCK;
    if (shape->causal && first > from + rows - 1) break;
    CK(attention_scores)(q, stride, rows, packed_keys, width, first, count, scores);
    for (ptrdiff_t r = 0; r < rows; r++) {
      RELAXED
      float *row = scores + r * CK_BLOCK;
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
      PRODUCT(scores, CK_BLOCK, 1, v, stride, y, stride, rows, width, count, 0);
    else
      PRODUCT(scores, CK_BLOCK, 1, v + first * stride, stride, y, stride, rows, width, count, 1);
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
  float mean[CK_TILE], *p = scratch, *dp = scratch + CK_TILE * CK_BLOCK;
  for (ptrdiff_t r = 0; r < rows; r++) mean[r] = CK(dot)(y + r * stride, dy + r * stride, width);
  for (ptrdiff_t first = 0; first < shape->keys; first += CK_BLOCK) {
    ptrdiff_t left = shape->keys - first, count = left < CK_BLOCK ? left : CK_BLOCK;
    if (shape->causal && first > from + rows - 1) break;
    CK(attention_scores)(q, stride, rows, packed_keys, width, first, count, p);
    CK(attention_scores)(dy, stride, rows, packed_values, width, first, count, dp);
    for (ptrdiff_t r = 0; r < rows; r++) {
      FUSED
      float *row = p + r * CK_BLOCK, *slope = dp + r * CK_BLOCK;
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
      PRODUCT(dp, CK_BLOCK, 1, k, stride, dq, stride, rows, width, count, 0);
    else
      PRODUCT(dp, CK_BLOCK, 1, k + first * stride, stride, dq, stride, rows, width, count, 1);
    PRODUCT(p, 1, CK_BLOCK, dy, stride, dv + first * stride, stride, count, width, rows, 1);
    PRODUCT(dp, 1, CK_BLOCK, q, stride, dk + first * stride, stride, count, width, rows, 1);
  }
}
