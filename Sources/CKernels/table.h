// The functions that exist once per instruction set.

#ifndef CK_TABLE_H
#define CK_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "ckernels.h"

struct ck_table {
  void (*add)(const float *, const float *, float *, ptrdiff_t);
  void (*multiply)(const float *, const float *, float *, ptrdiff_t);
  void (*affine)(const float *, float *, ptrdiff_t, float, float);
  void (*add_scaled)(const float *, float *, ptrdiff_t, float);
  float (*sum)(const float *, ptrdiff_t);
  float (*dot)(const float *, const float *, ptrdiff_t);
  float (*max)(const float *, ptrdiff_t);
  int (*all_finite)(const float *, ptrdiff_t);
  void (*silu)(const float *, float *, ptrdiff_t);
  void (*silu_pullback)(const float *, const float *, float *, ptrdiff_t);
  void (*gelu)(const float *, float *, ptrdiff_t);
  void (*gelu_pullback)(const float *, const float *, float *, ptrdiff_t);
  void (*quick_gelu)(const float *, float *, ptrdiff_t);
  void (*quick_gelu_pullback)(const float *, const float *, float *, ptrdiff_t);
  void (*geglu_rows)(const float *, float *, ptrdiff_t, ptrdiff_t);
  void (*geglu_pullback_rows)(const float *, const float *, float *, ptrdiff_t, ptrdiff_t);
  void (*softmax_rows)(const float *, float *, ptrdiff_t, ptrdiff_t, float);
  void (*softmax_pullback_rows)(const float *, const float *, float *, ptrdiff_t, ptrdiff_t, float);
  void (*group_norm)(const float *, const float *, const float *, float *, float *, ptrdiff_t,
                     ptrdiff_t, float, int);
  void (*group_norm_pullback)(const float *, const float *, const float *, const float *,
                              const float *, float *, ptrdiff_t, ptrdiff_t, int);
  void (*layer_norm_rows)(const float *, const float *, const float *, float *, float *, ptrdiff_t,
                          ptrdiff_t, float);
  void (*layer_norm_pullback_rows)(const float *, const float *, const float *, const float *,
                                   float *, ptrdiff_t, ptrdiff_t);
  void (*half_to_float)(const uint16_t *, float *, ptrdiff_t);
  void (*float_to_half)(const float *, uint16_t *, ptrdiff_t);
  void (*brain_to_float)(const uint16_t *, float *, ptrdiff_t);
  void (*matrix_product)(const float *, ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, float *,
                         ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t, int);
  void (*pack)(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *);
  void (*pack_rows)(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *);
  void (*pack_halves)(const uint16_t *, ptrdiff_t, ptrdiff_t, ptrdiff_t, int, float *);
  void (*pack_half_rows)(const uint16_t *, ptrdiff_t, ptrdiff_t, ptrdiff_t, int, float *);
  ptrdiff_t (*panel_size)(ptrdiff_t);
  void (*panel_product)(const float *, ptrdiff_t, ptrdiff_t, const float *, ptrdiff_t, const float *,
                        ptrdiff_t, float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, ptrdiff_t);
  // None where float32 is faster.
  ptrdiff_t (*packed_size)(ptrdiff_t, ptrdiff_t);
  void (*pack_left)(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *);
  void (*pack_right)(const float *, ptrdiff_t, ptrdiff_t, ptrdiff_t, float *);
  void (*packed_product)(const float *, const float *, float *, ptrdiff_t, ptrdiff_t, ptrdiff_t,
                         ptrdiff_t);
  void (*attention_tile)(const struct ck_attention *, const float *, const float *, const float *,
                         float *, float *, ptrdiff_t, ptrdiff_t, float *);
  void (*attention_tile_pullback)(const struct ck_attention *, const float *, const float *,
                                  const float *, const float *, const float *, const float *,
                                  const float *, float *, float *, float *, ptrdiff_t, ptrdiff_t,
                                  float *);
  void (*winograd_input)(const float *, float *, const struct ck_winograd *, ptrdiff_t, ptrdiff_t,
                         ptrdiff_t);
  void (*winograd_kernel)(const float *, ptrdiff_t, float *, ptrdiff_t, int, int, ptrdiff_t);
  void (*winograd_output)(const float *, float *, const struct ck_winograd *, ptrdiff_t, ptrdiff_t,
                          ptrdiff_t, float);
};

extern const struct ck_table ck_table_baseline;
extern const struct ck_table ck_table_split;
extern const struct ck_table ck_table_emulated;
#if defined(__x86_64__)
extern const struct ck_table ck_table_avx2;
extern const struct ck_table ck_table_avx512;
extern const struct ck_table ck_table_amx;
extern const struct ck_table ck_table_brain;
#endif

#endif
