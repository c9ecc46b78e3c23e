// The loops that Swift does not vectorise. Each is compiled once per instruction set from
// kernels_body.h and chosen at run time, so that no compiler flag binds the binary to a machine.
//
// Contract: pointers are valid and, unless said otherwise, do not overlap; sizes are not negative;
// nothing allocates, fails or keeps state. Reductions may be reordered between instruction sets:
// results agree to a few units in the last place, not to the bit.

#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// Instruction sets, weakest first. With AMX, products are sums of three products of bfloat16 (see
// brain_body.h). CK_SPLIT computes the same sums on any machine, slowly. CK_EMULATED is the code for
// AMX over tiles in portable arithmetic, slower still, and for tests alone.
enum ck_isa {
  CK_BASELINE = 0,
  CK_AVX2 = 1,
  CK_AVX512 = 2,
  CK_AMX = 3,
  CK_SPLIT = 4,
  CK_EMULATED = 5,
};

// Whether this machine has an instruction set.
int ck_has_isa(int isa);
// The instruction set in use: at first the strongest of the machine.
int ck_isa(void);
// Uses `isa` from now on if the machine has it; returns the instruction set in use.
int ck_force_isa(int isa);

// Whether the processor multiplies bfloat16 by itself.
int ck_has_brain_units(void);

// How many products of bfloat16 make one of float32: 3 at float32's accuracy, or 1.
int ck_products(void);
// Sets that number. With 1, processors without AMX take factors as bfloat16 too.
void ck_set_products(int products);

// y = x + z, y = x * z, y = a x + b, y += a x. In-place use (y == x) is allowed.
void ck_add(const float *x, const float *z, float *y, ptrdiff_t n);
void ck_multiply(const float *x, const float *z, float *y, ptrdiff_t n);
void ck_affine(const float *x, float *y, ptrdiff_t n, float a, float b);
void ck_add_scaled(const float *x, float *y, ptrdiff_t n, float a);

// Sum, inner product, largest value (NaN if any is, -infinity if n is 0), and whether all are
// finite (1 or 0).
float ck_sum(const float *x, ptrdiff_t n);
float ck_dot(const float *x, const float *y, ptrdiff_t n);
float ck_max(const float *x, ptrdiff_t n);
int ck_all_finite(const float *x, ptrdiff_t n);

// Activations and their pullbacks, dx = f'(x) dy. Absolute error below 4e-7 max(1, |x|).
// silu x sigmoid(x); gelu x Phi(x), the exact one; quick gelu x sigmoid(1.702 x).
void ck_silu(const float *x, float *y, ptrdiff_t n);
void ck_silu_pullback(const float *x, const float *dy, float *dx, ptrdiff_t n);
void ck_gelu(const float *x, float *y, ptrdiff_t n);
void ck_gelu_pullback(const float *x, const float *dy, float *dx, ptrdiff_t n);
void ck_quick_gelu(const float *x, float *y, ptrdiff_t n);
void ck_quick_gelu_pullback(const float *x, const float *dy, float *dx, ptrdiff_t n);

// Gated gelu over rows: x [rows, 2 width], y [rows, width] = first half times gelu(second half).
void ck_geglu_rows(const float *x, float *y, ptrdiff_t rows, ptrdiff_t width);
void ck_geglu_pullback_rows(const float *x, const float *dy, float *dx, ptrdiff_t rows,
                            ptrdiff_t width);

// Softmax of scale * x over each row of [rows, columns], scale > 0; y == x is allowed.
// exp has a relative error below 2e-7.
void ck_softmax_rows(const float *x, float *y, ptrdiff_t rows, ptrdiff_t columns, float scale);
// dx = scale y (dy - <y, dy>) over each row; dx == dy is allowed.
void ck_softmax_pullback_rows(const float *y, const float *dy, float *dx, ptrdiff_t rows,
                              ptrdiff_t columns, float scale);

// One group of a group norm: x, y [channels, pixels]; gamma, beta [channels];
// stats receives mean and 1/sqrt(variance + epsilon). With silu != 0 the result goes through silu.
void ck_group_norm(const float *x, const float *gamma, const float *beta, float *y, float *stats,
                   ptrdiff_t channels, ptrdiff_t pixels, float epsilon, int silu);
void ck_group_norm_pullback(const float *x, const float *gamma, const float *beta, const float *dy,
                            const float *stats, float *dx, ptrdiff_t channels, ptrdiff_t pixels,
                            int silu);

// Layer norm of each row of [rows, columns]; stats [rows, 2] receives mean and 1/deviation.
void ck_layer_norm_rows(const float *x, const float *gamma, const float *beta, float *y,
                        float *stats, ptrdiff_t rows, ptrdiff_t columns, float epsilon);
void ck_layer_norm_pullback_rows(const float *x, const float *gamma, const float *dy,
                                 const float *stats, float *dx, ptrdiff_t rows, ptrdiff_t columns);

// IEEE half to single and back (round to nearest, ties to even; overflow becomes infinity).
void ck_half_to_float(const uint16_t *x, float *y, ptrdiff_t n);
void ck_float_to_half(const float *x, uint16_t *y, ptrdiff_t n);
// bfloat16, the upper half of a single, to single.
void ck_brain_to_float(const uint16_t *x, float *y, ptrdiff_t n);

// c [rows][columns] = a b for factors that lie in the cache: nothing is packed. The rows of b and
// c are contiguous; a's numbers lie a_row and a_inner apart. Added to what c holds if accumulate is
// not 0.
void ck_product(const float *a, ptrdiff_t a_row, ptrdiff_t a_inner, const float *b,
                ptrdiff_t b_inner, float *c, ptrdiff_t c_row, ptrdiff_t rows, ptrdiff_t columns,
                ptrdiff_t inner, int accumulate);

enum {
  CK_PANEL = 64,            // columns side by side in a packed factor, at most
  CK_TILE = 60,             // rows of a left factor that are multiplied with one panel after another
  CK_BLOCK = 4 * CK_PANEL,  // keys of an attention taken at a time
  CK_ATTENTION_SCRATCH = 2 * CK_TILE * CK_BLOCK,
};
// Floats that a packed panel takes of a right factor of `inner` rows.
ptrdiff_t ck_panel_size(ptrdiff_t inner);
// Packs the rows of x [count, width], `stride` floats apart, as columns of a right factor, a panel after
// the other, zeros after the last column. How a panel is laid out depends on the instruction set.
void ck_pack(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width, float *packed);
// The same panels of a right factor x [width, count] whose rows lie `stride` floats apart.
void ck_pack_rows(const float *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                  float *packed);
// The same panels of numbers of 16 bits, which are widened: IEEE halves, or bfloat16 if brain is not 0.
void ck_pack_halves(const uint16_t *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                    int brain, float *packed);
void ck_pack_half_rows(const uint16_t *x, ptrdiff_t stride, ptrdiff_t count, ptrdiff_t width,
                       int brain, float *packed);
// y [rows, columns] = x [rows, inner] times packed panels of `width` columns, the last of what remains.
// x's numbers lie x_row and x_inner apart. Sums begin with `from`, unless that is null: y itself, or rows
// that lie from_row apart; where that is 0, all with the same row.
void ck_panel_product(const float *x, ptrdiff_t x_row, ptrdiff_t x_inner, const float *packed,
                      ptrdiff_t width, const float *from, ptrdiff_t from_row, float *y,
                      ptrdiff_t y_row, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner);

// Whether the instruction set in use multiplies factors that are both packed, once for several products.
// Elsewhere none of the four functions below is there.
int ck_packs_factors(void);
// Floats that a packed factor of `count` rows (a left one) or columns (a right one) takes.
ptrdiff_t ck_packed_size(ptrdiff_t count, ptrdiff_t inner);
// Packs a left factor x [rows, width], and a right factor x [width, columns]; rows of x lie `stride` floats
// apart.
void ck_pack_left(const float *x, ptrdiff_t stride, ptrdiff_t rows, ptrdiff_t width,
                  float *packed);
void ck_pack_right(const float *x, ptrdiff_t stride, ptrdiff_t columns, ptrdiff_t width,
                   float *packed);
// y [rows, columns] = the product of two packed factors, at float32's accuracy with one product too.
void ck_packed_product(const float *left, const float *right, float *y, ptrdiff_t y_row,
                       ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t inner);

// Attention of one head: positions of q, k, v, y and their gradients lie `stride` floats apart and
// are `width` floats long. scale > 0. With causal != 0 query i sees the keys up to i.
struct ck_attention {
  ptrdiff_t keys, width, stride;
  float scale;
  int causal;
};
// y = softmax(scale q kᵀ) v for the queries from..<from + rows, at most CK_TILE; q and y point to
// the first of them. stats [rows, 2] receives each row's maximum and 1 / sum. scratch has
// CK_ATTENTION_SCRATCH floats.
void ck_attention_tile(const struct ck_attention *shape, const float *q, const float *packed_keys,
                       const float *v, float *y, float *stats, ptrdiff_t from, ptrdiff_t rows,
                       float *scratch);
// dq of these queries; what they add to dk and dv.
void ck_attention_tile_pullback(const struct ck_attention *shape, const float *q, const float *k,
                                const float *packed_keys, const float *packed_values,
                                const float *y, const float *dy, const float *stats, float *dq,
                                float *dk, float *dv, ptrdiff_t from, ptrdiff_t rows,
                                float *scratch);

// One plane of a 3x3 convolution by Winograd's F(tile x tile, 3 x 3), tile 2 or 4. Tiles cover the
// output in rows of `tile_columns`; the (tile + 2)^2 numbers of a transformed tile lie `tap` floats
// apart, those of neighbouring tiles side by side. A tap of an odd number of cache lines is fastest:
// others put all numbers of a tile into few sets of the cache.
struct ck_winograd {
  ptrdiff_t rows, columns;          // of the input
  ptrdiff_t out_rows, out_columns;  // of the output
  ptrdiff_t top, left;              // zeros around the input
  ptrdiff_t tile, tile_columns;
};
// Transforms the tile rows first..<end of a plane: v [(tile + 2)^2][tiles].
void ck_winograd_input(const float *x, float *v, const struct ck_winograd *shape, ptrdiff_t first,
                       ptrdiff_t end, ptrdiff_t tap);
// Transforms `count` kernels of nine numbers, `stride` floats apart: u [(tile + 2)^2][count]. With
// flip != 0 the kernels are turned by half a turn first, as the pullback needs them.
void ck_winograd_kernel(const float *w, ptrdiff_t stride, float *u, ptrdiff_t count, int tile,
                        int flip, ptrdiff_t tap);
// Makes the output's rows in tile rows first..<end of a plane from products p, laid out as v is.
void ck_winograd_output(const float *p, float *y, const struct ck_winograd *shape, ptrdiff_t first,
                        ptrdiff_t end, ptrdiff_t tap, float bias);

// Tells malloc to give nothing below a gigabyte back to the system: what is freed is used again
// without a page fault every 4 KB.
void ck_keep_freed_memory(void);

// Gives back to the system, this once, what has been freed.
void ck_return_freed_memory(void);

// Exchanges two names in an open folder at once; -1 with errno where there are not both, or the file system cannot.
int ck_exchange_names(int folder, const char *one, const char *other);

// Processor cores that the process may run on, by its affinity; 0 where that is not known.
int ck_cores(void);

// Tells the processor that the thread only waits, in a loop.
static inline void ck_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// CRC-32C (Castagnoli) of n bytes, continuing from `crc` (0 to begin).
uint32_t ck_crc32c(uint32_t crc, const uint8_t *bytes, ptrdiff_t n);

#endif
