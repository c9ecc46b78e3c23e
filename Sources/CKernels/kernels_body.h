// The loops, written once. An including file defines CK(name), which adds the instruction set to a
// function's name, and switches the target before including this. It also says what the registers
// hold in a product of matrices: WIDTH floats each, VECTORS of them by LINES rows of sums.

#define INLINE static inline __attribute__((always_inline))
#define LANES 16
#define RELAXED _Pragma("clang fp reassociate(on) contract(fast)")
#define FUSED _Pragma("clang fp contract(fast)")
// Before a loop whose iterations touch only their own index: input and output may be one array,
// which the compiler's own check for overlap would answer with a scalar loop.
#define EACH _Pragma("clang loop vectorize(assume_safety)")

// exp by x = k ln 2 + r: a polynomial for exp(r) on |r| <= ln 2 / 2 (Chebyshev fit, error 2e-10),
// and k, which is left to the caller to put into the exponent.
INLINE float CK(exp_fraction)(float x, uint32_t *whole) {
  FUSED
  const float shift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to the nearest integer
  union { float f; uint32_t i; } rounded = {x * 1.44269504f + shift}, zero = {shift};
  float k = rounded.f - shift;
  float r = x - k * 0.693359375f;
  r = r + k * 2.12194440e-4f;
  float q = 1.989098087e-4f;
  q = q * r + 1.393364103e-3f;
  q = q * r + 8.333310934e-3f;
  q = q * r + 4.166646501e-2f;
  q = q * r + 1.666666668e-1f;
  q = q * r + 5.000000013e-1f;
  *whole = rounded.i - zero.i;
  return r * r * q + r + 1.0f;
}

// k goes into the exponent in two halves, so that subnormal results survive.
INLINE float CK(exp1)(float x) {
  x = x < -104.0f ? -104.0f : x;
  x = x > 88.8f ? 88.8f : x;
  uint32_t k;
  float e = CK(exp_fraction)(x, &k);
  int32_t whole = (int32_t)k, half = whole >> 1;
  union { uint32_t i; float f; } low, high;
  low.i = (uint32_t)(half + 127) << 23;
  high.i = (uint32_t)(whole - half + 127) << 23;
  return e * low.f * high.f;
}

INLINE float CK(sigmoid1)(float x) { return 1.0f / (1.0f + CK(exp1)(-x)); }

// erf by two Chebyshev fits: x P(x^2) for |x| < 1, 1 - exp(Q(|x|)) up to 4, beyond which it is 1.
INLINE float CK(erf1)(float x) {
  FUSED
  float a = x < 0 ? -x : x;
  float s = a * a;
  float p = 7.875875063e-5f;
  p = p * s - 8.016864287e-4f;
  p = p * s + 5.189087423e-3f;
  p = p * s - 2.685421201e-2f;
  p = p * s + 1.128359472e-1f;
  p = p * s - 3.761262667e-1f;
  p = p * s + 1.128379166f;
  float t = a > 4.0f ? 4.0f : a;
  float q = 1.637151415e-6f;
  q = q * t - 4.605804269e-5f;
  q = q * t + 5.968056257e-4f;
  q = q * t - 4.759596293e-3f;
  q = q * t + 2.642113601e-2f;
  q = q * t - 1.100800829e-1f;
  q = q * t - 6.318260516e-1f;
  q = q * t - 1.130233435f;
  q = q * t + 3.201380497e-4f;
  float far = 1.0f - CK(exp1)(q);
  far = x < 0 ? -far : far;
  return a < 1.0f ? x * p : far;
}

INLINE float CK(gelu1)(float x) { return 0.5f * x * (1.0f + CK(erf1)(x * 0.70710678f)); }

// Phi(x) + x phi(x)
INLINE float CK(gelu_slope1)(float x) {
  return 0.5f * (1.0f + CK(erf1)(x * 0.70710678f)) + x * 0.39894228f * CK(exp1)(-0.5f * x * x);
}

INLINE float CK(silu_slope1)(float x) {
  float s = CK(sigmoid1)(x);
  return s * (1.0f + x * (1.0f - s));
}

INLINE float CK(quick_gelu_slope1)(float x) {
  float s = CK(sigmoid1)(1.702f * x);
  return s * (1.0f + 1.702f * x * (1.0f - s));
}

static void CK(add)(const float *x, const float *z, float *y, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] + z[i];
}

static void CK(multiply)(const float *x, const float *z, float *y, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] * z[i];
}

static void CK(affine)(const float *x, float *y, ptrdiff_t n, float a, float b) {
  FUSED
  EACH
  for (ptrdiff_t i = 0; i < n; i++) y[i] = a * x[i] + b;
}

static void CK(add_scaled)(const float *x, float *y, ptrdiff_t n, float a) {
  FUSED
  EACH
  for (ptrdiff_t i = 0; i < n; i++) y[i] += a * x[i];
}

static float CK(sum)(const float *x, ptrdiff_t n) {
  RELAXED
  float sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) sum += x[i];
  return sum;
}

static float CK(dot)(const float *x, const float *y, ptrdiff_t n) {
  RELAXED
  float sum = 0;
  for (ptrdiff_t i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

// The largest number, where none is NaN. A plain running maximum does not vectorise (the order of
// NaNs matters); separate lanes do. The last lanes overlap those before them.
static float CK(top)(const float *x, ptrdiff_t n) {
  float lanes[LANES], best = -__builtin_inff();
  if (n < LANES) {
    for (ptrdiff_t i = 0; i < n; i++) best = x[i] > best ? x[i] : best;
    return best;
  }
  for (int l = 0; l < LANES; l++) lanes[l] = x[n - LANES + l];
  for (ptrdiff_t i = 0; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
  for (int l = 0; l < LANES; l++) best = lanes[l] > best ? lanes[l] : best;
  return best;
}

static float CK(max)(const float *x, ptrdiff_t n) {
  uint32_t nan = 0;
  for (ptrdiff_t i = 0; i < n; i++) nan |= x[i] != x[i];
  return nan ? __builtin_nanf("") : CK(top)(x, n);
}

// A number is finite when its exponent bits are not all ones.
static int CK(all_finite)(const float *x, ptrdiff_t n) {
  const uint32_t mask = 0x7f800000u;
  uint32_t bad = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    union { float f; uint32_t i; } v;
    v.f = x[i];
    bad |= (v.i & mask) == mask;
  }
  return bad == 0;
}

static void CK(silu)(const float *x, float *y, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] * CK(sigmoid1)(x[i]);
}

static void CK(silu_pullback)(const float *x, const float *dy, float *dx, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) dx[i] = dy[i] * CK(silu_slope1)(x[i]);
}

static void CK(gelu)(const float *x, float *y, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) y[i] = CK(gelu1)(x[i]);
}

static void CK(gelu_pullback)(const float *x, const float *dy, float *dx, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) dx[i] = dy[i] * CK(gelu_slope1)(x[i]);
}

static void CK(quick_gelu)(const float *x, float *y, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) y[i] = x[i] * CK(sigmoid1)(1.702f * x[i]);
}

static void CK(quick_gelu_pullback)(const float *x, const float *dy, float *dx, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) dx[i] = dy[i] * CK(quick_gelu_slope1)(x[i]);
}

static void CK(geglu_rows)(const float *x, float *y, ptrdiff_t rows, ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *value = x + 2 * r * width, *gate = value + width;
    float *out = y + r * width;
    EACH
    for (ptrdiff_t i = 0; i < width; i++) out[i] = value[i] * CK(gelu1)(gate[i]);
  }
}

static void CK(geglu_pullback_rows)(const float *x, const float *dy, float *dx, ptrdiff_t rows,
                                    ptrdiff_t width) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *value = x + 2 * r * width, *gate = value + width, *g = dy + r * width;
    float *dvalue = dx + 2 * r * width, *dgate = dvalue + width;
    EACH
    for (ptrdiff_t i = 0; i < width; i++) {
      dvalue[i] = g[i] * CK(gelu1)(gate[i]);
      dgate[i] = g[i] * value[i] * CK(gelu_slope1)(gate[i]);
    }
  }
}

static void CK(softmax_rows)(const float *x, float *y, ptrdiff_t rows, ptrdiff_t columns,
                             float scale) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    RELAXED
    const float *in = x + r * columns;
    float *out = y + r * columns;
    // The scale is positive: the largest of scale * x is at the largest x.
    // The sum is kept in double: where one probability is near 1, what matters downstream is how
    // far from 1 it is, and that is all in the last bits of the sum.
    float top = CK(top)(in, columns) * scale;
    double sum = 0;
    EACH
    for (ptrdiff_t i = 0; i < columns; i++) {
      float e = CK(exp1)(in[i] * scale - top);
      out[i] = e;
      sum += e;
    }
    float inverse = (float)(1.0 / sum);
    EACH
    for (ptrdiff_t i = 0; i < columns; i++) out[i] *= inverse;
  }
}

static void CK(softmax_pullback_rows)(const float *y, const float *dy, float *dx, ptrdiff_t rows,
                                      ptrdiff_t columns, float scale) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    FUSED
    const float *p = y + r * columns, *g = dy + r * columns;
    float *out = dx + r * columns;
    float mean = CK(dot)(p, g, columns);
    EACH
    for (ptrdiff_t i = 0; i < columns; i++) out[i] = scale * p[i] * (g[i] - mean);
  }
}

// Mean and 1/deviation of n numbers in two passes: the one-pass formula cancels.
static void CK(moments)(const float *x, ptrdiff_t n, float epsilon, float *stats) {
  RELAXED
  float mean = CK(sum)(x, n) / (float)n, squares = 0;
  for (ptrdiff_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
  stats[0] = mean;
  stats[1] = 1.0f / __builtin_sqrtf(squares / (float)n + epsilon);
}

static void CK(group_norm)(const float *x, const float *gamma, const float *beta, float *y,
                           float *stats, ptrdiff_t channels, ptrdiff_t pixels, float epsilon,
                           int silu) {
  CK(moments)(x, channels * pixels, epsilon, stats);
  for (ptrdiff_t c = 0; c < channels; c++) {
    FUSED
    const float mean = stats[0], a = stats[1] * gamma[c], b = beta[c];
    const float *in = x + c * pixels;
    float *out = y + c * pixels;
    if (silu) {
      EACH
      for (ptrdiff_t i = 0; i < pixels; i++) {
        float v = a * (in[i] - mean) + b;
        out[i] = v * CK(sigmoid1)(v);
      }
    } else {
      EACH
      for (ptrdiff_t i = 0; i < pixels; i++) out[i] = a * (in[i] - mean) + b;
    }
  }
}

// With h = (x - mean) / deviation and g the gradient at h:
// dx = (g - mean(g) - h mean(g h)) / deviation.
static void CK(group_norm_pullback)(const float *x, const float *gamma, const float *beta,
                                    const float *dy, const float *stats, float *dx,
                                    ptrdiff_t channels, ptrdiff_t pixels, int silu) {
  RELAXED
  const float mean = stats[0], rstd = stats[1];
  float total = 0, product = 0;
  for (ptrdiff_t c = 0; c < channels; c++) {
    const float *in = x + c * pixels, *g = dy + c * pixels;
    float *out = dx + c * pixels;
    float a = gamma[c], b = beta[c];
    EACH
    for (ptrdiff_t i = 0; i < pixels; i++) {
      float h = (in[i] - mean) * rstd;
      float d = a * g[i] * (silu ? CK(silu_slope1)(a * h + b) : 1.0f);
      out[i] = d;
      total += d;
      product += d * h;
    }
  }
  const float n = (float)(channels * pixels);
  total /= n;
  product /= n;
  EACH
  for (ptrdiff_t i = 0; i < channels * pixels; i++)
    dx[i] = rstd * (dx[i] - total - (x[i] - mean) * rstd * product);
}

static void CK(layer_norm_rows)(const float *x, const float *gamma, const float *beta, float *y,
                                float *stats, ptrdiff_t rows, ptrdiff_t columns, float epsilon) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    FUSED
    const float *in = x + r * columns;
    float *out = y + r * columns;
    CK(moments)(in, columns, epsilon, stats + 2 * r);
    float mean = stats[2 * r], rstd = stats[2 * r + 1];
    EACH
    for (ptrdiff_t i = 0; i < columns; i++) out[i] = (in[i] - mean) * rstd * gamma[i] + beta[i];
  }
}

static void CK(layer_norm_pullback_rows)(const float *x, const float *gamma, const float *dy,
                                         const float *stats, float *dx, ptrdiff_t rows,
                                         ptrdiff_t columns) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    RELAXED
    const float *in = x + r * columns, *g = dy + r * columns;
    float *out = dx + r * columns;
    float mean = stats[2 * r], rstd = stats[2 * r + 1], total = 0, product = 0;
    EACH
    for (ptrdiff_t i = 0; i < columns; i++) {
      float d = g[i] * gamma[i];
      out[i] = d;
      total += d;
      product += d * (in[i] - mean) * rstd;
    }
    total /= (float)columns;
    product /= (float)columns;
    EACH
    for (ptrdiff_t i = 0; i < columns; i++)
      out[i] = rstd * (out[i] - total - (in[i] - mean) * rstd * product);
  }
}

static void CK(half_to_float)(const uint16_t *x, float *y, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) {
    _Float16 half;
    __builtin_memcpy(&half, x + i, sizeof half);
    y[i] = (float)half;
  }
}

static void CK(brain_to_float)(const uint16_t *x, float *y, ptrdiff_t n) {
  EACH
  for (ptrdiff_t i = 0; i < n; i++) {
    union { uint32_t i; float f; } v = {(uint32_t)x[i] << 16};
    y[i] = v.f;
  }
}

INLINE void CK(widen)(const uint16_t *x, float *y, ptrdiff_t n, int brain) {
  if (brain)
    CK(brain_to_float)(x, y, n);
  else
    CK(half_to_float)(x, y, n);
}

static void CK(float_to_half)(const float *x, uint16_t *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    _Float16 half = (_Float16)x[i];
    __builtin_memcpy(y + i, &half, sizeof half);
  }
}

#include "product_body.h"
#ifdef BRAIN
#include "brain_body.h"
#endif
#if defined(BRAIN) && !defined(PANELS_ONLY)
#define PRODUCT CK(brain_product)
#else
#define PRODUCT(a, a_row, a_inner, b, b_inner, c, c_row, ...) \
  CK(product)(a, a_row, a_inner, b, b_inner, c, c_row, c, c_row, __VA_ARGS__)
#endif

static void CK(matrix_product)(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                               ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t rows,
                               ptrdiff_t columns, ptrdiff_t inner, int accumulate) {
  if (accumulate)
    PRODUCT(a, a_row, a_inner, b, b_inner, c, c_row, rows, columns, inner, 1);
  else
    PRODUCT(a, a_row, a_inner, b, b_inner, c, c_row, rows, columns, inner, 0);
}

#include "attention_body.h"
#include "winograd_body.h"

const struct ck_table CK(table) = {
    .add = CK(add),
    .multiply = CK(multiply),
    .affine = CK(affine),
    .add_scaled = CK(add_scaled),
    .sum = CK(sum),
    .dot = CK(dot),
    .max = CK(max),
    .all_finite = CK(all_finite),
    .silu = CK(silu),
    .silu_pullback = CK(silu_pullback),
    .gelu = CK(gelu),
    .gelu_pullback = CK(gelu_pullback),
    .quick_gelu = CK(quick_gelu),
    .quick_gelu_pullback = CK(quick_gelu_pullback),
    .geglu_rows = CK(geglu_rows),
    .geglu_pullback_rows = CK(geglu_pullback_rows),
    .softmax_rows = CK(softmax_rows),
    .softmax_pullback_rows = CK(softmax_pullback_rows),
    .group_norm = CK(group_norm),
    .group_norm_pullback = CK(group_norm_pullback),
    .layer_norm_rows = CK(layer_norm_rows),
    .layer_norm_pullback_rows = CK(layer_norm_pullback_rows),
    .half_to_float = CK(half_to_float),
    .float_to_half = CK(float_to_half),
    .brain_to_float = CK(brain_to_float),
    .matrix_product = CK(matrix_product),
    .pack = CK(pack),
    .pack_rows = CK(pack_rows),
    .pack_halves = CK(pack_halves),
    .pack_half_rows = CK(pack_half_rows),
    .panel_size = CK(panel_size),
    .panel_product = CK(panel_product),
#if defined(BRAIN) && !defined(PANELS_ONLY)
    .packed_size = CK(packed_size),
    .pack_left = CK(pack_left),
    .pack_right = CK(pack_right),
    .packed_product = CK(packed_product),
#endif
    .attention_tile = CK(attention_tile),
    .attention_tile_pullback = CK(attention_tile_pullback),
    .winograd_input = CK(winograd_input),
    .winograd_kernel = CK(winograd_kernel),
    .winograd_output = CK(winograd_output),
};
