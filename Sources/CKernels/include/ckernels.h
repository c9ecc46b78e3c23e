#ifndef CKERNELS_H
#define CKERNELS_H

#include <stddef.h>
#include <stdint.h>

// IEEE half to single and back (round to nearest, ties to even; overflow becomes infinity).
void ck_half_to_float(const uint16_t *x, float *y, ptrdiff_t n);
void ck_float_to_half(const float *x, uint16_t *y, ptrdiff_t n);

// CRC-32C (Castagnoli) of n bytes, continuing from `crc` (0 to begin).
uint32_t ck_crc32c(uint32_t crc, const uint8_t *bytes, ptrdiff_t n);

#endif
