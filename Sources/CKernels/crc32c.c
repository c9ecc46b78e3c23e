// CRC-32C, by the processor's own instruction where there is one, else eight bits at a time.

#include "ckernels.h"

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const uint8_t *bytes,
                                                             ptrdiff_t n) {
  uint64_t state = crc;
  for (; n >= 8; n -= 8, bytes += 8) {
    uint64_t word;
    __builtin_memcpy(&word, bytes, 8);
    state = _mm_crc32_u64(state, word);
  }
  for (; n > 0; n--, bytes++) state = _mm_crc32_u8((uint32_t)state, *bytes);
  return (uint32_t)state;
}
#endif

static uint32_t crc_portable(uint32_t crc, const uint8_t *bytes, ptrdiff_t n) {
  for (ptrdiff_t i = 0; i < n; i++) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0x82F63B78u & (0u - (crc & 1)));
  }
  return crc;
}

uint32_t ck_crc32c(uint32_t crc, const uint8_t *bytes, ptrdiff_t n) {
#if defined(__x86_64__)
  if (ck_isa() >= CK_AVX2) return ~crc_sse42(~crc, bytes, n);
#endif
  return ~crc_portable(~crc, bytes, n);
}
