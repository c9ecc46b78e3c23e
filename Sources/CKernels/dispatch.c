// Chooses the instruction set once, and forwards each call through the chosen table.

#include "ckernels.h"

#include <stdatomic.h>
#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "table.h"

#if defined(__x86_64__)

// Whether the system lets this process use tiles: Linux must be asked, or the first use kills.
static int may_use_tiles(void) {
#if defined(__linux__)
  enum { request_permission = 0x1023, tile_data = 18 };
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return 0;
#endif
}

// Whether tiles compute what they should, over blocks that are not full.
static int tiles_are_right(void) {
  enum { rows = 37, columns = 45, inner = 71 };
  float a[rows * inner], b[inner * columns], tiles[rows * columns], split[rows * columns];
  for (int i = 0; i < rows * inner; i++) a[i] = (float)(i * 37 % 101) / 101 - 0.5f;
  for (int i = 0; i < inner * columns; i++) b[i] = (float)(i * 53 % 103) / 103 - 0.5f;
  ck_table_amx.matrix_product(a, inner, 1, b, columns, tiles, columns, rows, columns, inner, 0);
  ck_table_split.matrix_product(a, inner, 1, b, columns, split, columns, rows, columns, inner, 0);
  for (int i = 0; i < rows * columns; i++) {
    const float difference = tiles[i] - split[i];
    if (!(difference < 1e-4f && difference > -1e-4f)) return 0;
  }
  return 1;
}

static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

static int has_avx512(void) {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
}

static int has_brain(void) { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

static int has_amx(void) {
  static _Atomic int known = -1;
  int found = atomic_load_explicit(&known, memory_order_relaxed);
  if (found < 0) {
    found = has_brain() && __builtin_cpu_supports("amx-tile") &&
            __builtin_cpu_supports("amx-bf16") && may_use_tiles() && tiles_are_right();
    atomic_store_explicit(&known, found, memory_order_relaxed);
  }
  return found;
}

#endif

int ck_has_isa(int isa) {
  if (isa == CK_BASELINE || isa == CK_SPLIT || isa == CK_EMULATED) return 1;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (isa == CK_AVX2) return has_avx2();
  if (isa == CK_AVX512) return has_avx512();
  if (isa == CK_AMX) return has_amx();
#endif
  return 0;
}

int ck_has_brain_units(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return has_brain();
#else
  return 0;
#endif
}

static const struct ck_table *table_of(int isa, int products) {
  if (isa == CK_EMULATED) return &ck_table_emulated;
#if defined(__x86_64__)
  if (isa == CK_AMX) return &ck_table_amx;
  if (products == 1) return isa == CK_AVX512 && has_brain() ? &ck_table_brain : &ck_table_split;
  if (isa == CK_AVX512) return &ck_table_avx512;
  if (isa == CK_AVX2) return &ck_table_avx2;
#endif
  return isa == CK_SPLIT || products == 1 ? &ck_table_split : &ck_table_baseline;
}

static _Atomic int current = -1;
static _Atomic int products = 3;
static const struct ck_table *_Atomic table = 0;

int ck_isa(void) {
  int isa = atomic_load_explicit(&current, memory_order_relaxed);
  if (isa < 0) {
    isa = CK_AMX;
    while (!ck_has_isa(isa)) isa--;
    atomic_store_explicit(&current, isa, memory_order_relaxed);
  }
  return isa;
}

int ck_products(void) { return atomic_load_explicit(&products, memory_order_relaxed); }

static const struct ck_table *chosen(void) {
  const struct ck_table *now = atomic_load_explicit(&table, memory_order_relaxed);
  if (!now) {
    now = table_of(ck_isa(), ck_products());
    atomic_store_explicit(&table, now, memory_order_relaxed);
  }
  return now;
}

int ck_force_isa(int isa) {
  if (ck_has_isa(isa)) {
    atomic_store_explicit(&current, isa, memory_order_relaxed);
    atomic_store_explicit(&table, 0, memory_order_relaxed);
  }
  return ck_isa();
}

void ck_set_products(int count) {
  atomic_store_explicit(&products, count == 1 ? 1 : 3, memory_order_relaxed);
  atomic_store_explicit(&table, 0, memory_order_relaxed);
}

#define CALL(name) chosen()->name

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
                ptrdiff_t inner, int accumulate) {
  CALL(matrix_product)(a, a_row, a_inner, b, b_inner, c, c_row, rows, columns, inner, accumulate);
}
void ck_pack(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width, float *packed) {
  CALL(pack)(x, stride, count, width, packed);
}
void ck_pack_rows(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                  float *packed) {
  CALL(pack_rows)(x, stride, count, width, packed);
}
void ck_pack_halves(const uint16_t *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                    int brain, float *packed) {
  CALL(pack_halves)(x, stride, count, width, brain, packed);
}
void ck_pack_half_rows(const uint16_t *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                       int brain, float *packed) {
  CALL(pack_half_rows)(x, stride, count, width, brain, packed);
}
ptrdiff_t ck_panel_size(ptrdiff_t inner) { return CALL(panel_size)(inner); }
void ck_panel_product(const float *x, ptrdiff_t x_row, ptrdiff_t x_inner, const float *packed,
                      ptrdiff_t width, const float *from, ptrdiff_t from_row, float *y,
                      ptrdiff_t y_row, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner) {
  CALL(panel_product)(x, x_row, x_inner, packed, width, from, from_row, y, y_row, rows, columns, inner);
}
int ck_packs_factors(void) { return chosen()->packed_product != 0; }
ptrdiff_t ck_packed_size(ptrdiff_t count, ptrdiff_t inner) {
  return CALL(packed_size)(count, inner);
}
void ck_pack_left(const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width,
                  float *packed) {
  CALL(pack_left)(x, stride, rows, width, packed);
}
void ck_pack_right(const float *x, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t width,
                   float *packed) {
  CALL(pack_right)(x, stride, columns, width, packed);
}
void ck_packed_product(const float *left, const float *right, float *y, ptrdiff_t y_row,
                       ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner) {
  CALL(packed_product)(left, right, y, y_row, rows, columns, inner);
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
