#include "ckernels.h"

void ck_half_to_float(const uint16_t *x, float *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) { _Float16 h; __builtin_memcpy(&h, x + i, 2); y[i] = (float)h; }
}
void ck_float_to_half(const float *x, uint16_t *y, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) { _Float16 h = (_Float16)x[i]; __builtin_memcpy(y + i, &h, 2); }
}
uint32_t ck_crc32c(uint32_t crc, const uint8_t *bytes, ptrdiff_t n) {
  crc = ~crc;
  for (ptrdiff_t i = 0; i < n; i++) {
    crc ^= bytes[i];
    for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
  }
  return ~crc;
}
