// Chooses the instruction set once, and forwards each call through the chosen table.

#include "ckernels.h"

#include <stdatomic.h>

#include "table.h"

static const struct ck_table *table_of(int isa) {
#if defined(__x86_64__)
  if (isa == CK_AVX512) return &ck_table_avx512;
  if (isa == CK_AVX2) return &ck_table_avx2;
#endif
  return &ck_table_baseline;
}

int ck_best_isa(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
      !__builtin_cpu_supports("f16c"))
    return CK_BASELINE;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
    return CK_AVX512;
  return CK_AVX2;
#else
  return CK_BASELINE;
#endif
}

static _Atomic int current = -1;

int ck_isa(void) {
  int isa = atomic_load_explicit(&current, memory_order_relaxed);
  if (isa < 0) {
    isa = ck_best_isa();
    atomic_store_explicit(&current, isa, memory_order_relaxed);
  }
  return isa;
}

int ck_force_isa(int isa) {
  if (isa >= CK_BASELINE && isa <= ck_best_isa())
    atomic_store_explicit(&current, isa, memory_order_relaxed);
  return ck_isa();
}

#define CALL(name) table_of(ck_isa())->name

void ck_add(const float *x, const float *z, float *y, ptrdiff_t n) { CALL(add)(x, z, y, n); }
void ck_multiply(const float *x, const float *z, float *y, ptrdiff_t n) {
  CALL(multiply)(x, z, y, n);
}
void ck_affine(const float *x, float *y, ptrdiff_t n, float a, float b) {
  CALL(affine)(x, y, n, a, b);
}
void ck_add_scaled(const float *x, float *y, ptrdiff_t n, float a) { CALL(add_scaled)(x, y, n, a); }
float ck_sum(const float *x, ptrdiff_t n) { return CALL(sum)(x, n); }
float ck_dot(const float *x, const float *y, ptrdiff_t n) { return CALL(dot)(x, y, n); }
float ck_max(const float *x, ptrdiff_t n) { return CALL(max)(x, n); }
int ck_all_finite(const float *x, ptrdiff_t n) { return CALL(all_finite)(x, n); }
void ck_silu(const float *x, float *y, ptrdiff_t n) { CALL(silu)(x, y, n); }
void ck_silu_pullback(const float *x, const float *dy, float *dx, ptrdiff_t n) {
  CALL(silu_pullback)(x, dy, dx, n);
}
void ck_gelu(const float *x, float *y, ptrdiff_t n) { CALL(gelu)(x, y, n); }
void ck_gelu_pullback(const float *x, const float *dy, float *dx, ptrdiff_t n) {
  CALL(gelu_pullback)(x, dy, dx, n);
}
void ck_quick_gelu(const float *x, float *y, ptrdiff_t n) { CALL(quick_gelu)(x, y, n); }
void ck_quick_gelu_pullback(const float *x, const float *dy, float *dx, ptrdiff_t n) {
  CALL(quick_gelu_pullback)(x, dy, dx, n);
}
void ck_geglu_rows(const float *x, float *y, ptrdiff_t rows, ptrdiff_t width) {
  CALL(geglu_rows)(x, y, rows, width);
}
void ck_geglu_pullback_rows(const float *x, const float *dy, float *dx, ptrdiff_t rows,
                            ptrdiff_t width) {
  CALL(geglu_pullback_rows)(x, dy, dx, rows, width);
}
void ck_softmax_rows(const float *x, float *y, ptrdiff_t rows, ptrdiff_t columns, float scale) {
  CALL(softmax_rows)(x, y, rows, columns, scale);
}
void ck_softmax_pullback_rows(const float *y, const float *dy, float *dx, ptrdiff_t rows,
                              ptrdiff_t columns, float scale) {
  CALL(softmax_pullback_rows)(y, dy, dx, rows, columns, scale);
}
void ck_group_norm(const float *x, const float *gamma, const float *beta, float *y, float *stats,
                   ptrdiff_t channels, ptrdiff_t pixels, float epsilon, int silu) {
  CALL(group_norm)(x, gamma, beta, y, stats, channels, pixels, epsilon, silu);
}
void ck_group_norm_pullback(const float *x, const float *gamma, const float *beta, const float *dy,
                            const float *stats, float *dx, ptrdiff_t channels, ptrdiff_t pixels,
                            int silu) {
  CALL(group_norm_pullback)(x, gamma, beta, dy, stats, dx, channels, pixels, silu);
}
void ck_layer_norm_rows(const float *x, const float *gamma, const float *beta, float *y,
                        float *stats, ptrdiff_t rows, ptrdiff_t columns, float epsilon) {
  CALL(layer_norm_rows)(x, gamma, beta, y, stats, rows, columns, epsilon);
}
void ck_layer_norm_pullback_rows(const float *x, const float *gamma, const float *dy,
                                 const float *stats, float *dx, ptrdiff_t rows, ptrdiff_t columns) {
  CALL(layer_norm_pullback_rows)(x, gamma, dy, stats, dx, rows, columns);
}
void ck_half_to_float(const uint16_t *x, float *y, ptrdiff_t n) { CALL(half_to_float)(x, y, n); }
void ck_float_to_half(const float *x, uint16_t *y, ptrdiff_t n) { CALL(float_to_half)(x, y, n); }
void ck_brain_to_float(const uint16_t *x, float *y, ptrdiff_t n) { CALL(brain_to_float)(x, y, n); }
void ck_product(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t rows, ptrdiff_t columns,
                ptrdiff_t inner) {
  CALL(matrix_product)(a, a_row, a_inner, b, b_inner, c, c_row, rows, columns, inner);
}
void ck_pack(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width, float *packed) {
  CALL(pack)(x, stride, count, width, packed);
}
void ck_panel_product(const float *x, ptrdiff_t x_row, const float *panel, float *y,
                      ptrdiff_t y_row, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner,
                      int accumulate) {
  CALL(panel_product)(x, x_row, panel, y, y_row, rows, columns, inner, accumulate);
}
void ck_attention_tile(const struct ck_attention *shape, const float *q, const float *packed_keys,
                       const float *v, float *y, float *stats, ptrdiff_t from, ptrdiff_t rows,
                       float *scratch) {
  CALL(attention_tile)(shape, q, packed_keys, v, y, stats, from, rows, scratch);
}
void ck_attention_tile_pullback(const struct ck_attention *shape, const float *q, const float *k,
                                const float *packed_keys, const float *packed_values,
                                const float *y, const float *dy, const float *stats, float *dq,
                                float *dk, float *dv, ptrdiff_t from, ptrdiff_t rows,
                                float *scratch) {
  CALL(attention_tile_pullback)(shape, q, k, packed_keys, packed_values, y, dy, stats, dq, dk, dv,
                                from, rows, scratch);
}
void ck_winograd_input(const float *x, float *v, const struct ck_winograd *shape, ptrdiff_t first,
                       ptrdiff_t end, ptrdiff_t tap) {
  CALL(winograd_input)(x, v, shape, first, end, tap);
}
void ck_winograd_kernel(const float *w, ptrdiff_t stride, float *u, ptrdiff_t count, int tile,
                        int flip, ptrdiff_t tap) {
  CALL(winograd_kernel)(w, stride, u, count, tile, flip, tap);
}
void ck_winograd_output(const float *p, float *y, const struct ck_winograd *shape, ptrdiff_t first,
                        ptrdiff_t end, ptrdiff_t tap, float bias) {
  CALL(winograd_output)(p, y, shape, first, end, tap, bias);
}
