// The tile intrinsics in portable arithmetic, so that what is written for AMX is tested on machines
// without it. What the processor answers with a fault ends the process.
//
// Reference: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: LDTILECFG,
// TDPBF16PS, TILELOADD, TILERELEASE, TILESTORED, TILEZERO.

#include <float.h>
#include <math.h>
#include <string.h>

enum { tile_count = 8, tile_rows = 16, tile_bytes = 64 };  // of palette 1

struct tile {
  int rows, bytes;  // 0 unless configured
  uint8_t data[tile_rows][tile_bytes];
};

// A thread has tiles of its own.
static _Thread_local struct tile tiles[tile_count];
static _Thread_local int tiles_are_configured;

static void tile_check(int holds) {
  if (!holds) __builtin_trap();
}

static struct tile *tile_at(int index) {
  tile_check(tiles_are_configured && index >= 0 && index < tile_count && tiles[index].rows > 0);
  return &tiles[index];
}

static void _tile_release(void) {
  memset(tiles, 0, sizeof tiles);
  tiles_are_configured = 0;
}

// 64 bytes: the palette, the row to start from, 14 reserved, bytes of a row of 16 tiles, rows of 16.
static void _tile_loadconfig(const void *config) {
  uint8_t bytes[64];
  memcpy(bytes, config, sizeof bytes);
  _tile_release();
  if (bytes[0] == 0) return;
  tile_check(bytes[0] == 1);
  // Only an interrupted load or store leaves another row to start from.
  for (int i = 1; i < 16; i++) tile_check(bytes[i] == 0);
  for (int i = 0; i < 16; i++) {
    uint16_t width;
    memcpy(&width, bytes + 16 + 2 * i, sizeof width);
    const int rows = bytes[48 + i];
    tile_check(i < tile_count || (width == 0 && rows == 0));
    tile_check(width <= tile_bytes && rows <= tile_rows && (width == 0) == (rows == 0));
    if (i < tile_count) tiles[i].bytes = width, tiles[i].rows = rows;
  }
  tiles_are_configured = 1;
}

static void _tile_zero(int index) { memset(tile_at(index)->data, 0, sizeof tiles[index].data); }

// What is beyond the tile's rows and columns becomes zero.
static void _tile_loadd(int index, const void *from, ptrdiff_t stride) {
  struct tile *tile = tile_at(index);
  memset(tile->data, 0, sizeof tile->data);
  for (int row = 0; row < tile->rows; row++)
    memcpy(tile->data[row], (const uint8_t *)from + row * stride, (size_t)tile->bytes);
}

static void _tile_stored(int index, void *to, ptrdiff_t stride) {
  const struct tile *tile = tile_at(index);
  for (int row = 0; row < tile->rows; row++)
    memcpy((uint8_t *)to + row * stride, tile->data[row], (size_t)tile->bytes);
}

// Subnormal numbers are zero, as factors, as sums that are read and as sums that are made.
static float tile_flushed(float x) { return fabsf(x) < FLT_MIN ? copysignf(0, x) : x; }

// bfloat16 number `index` of a row.
static float tile_factor(const uint8_t *row, int index) {
  uint16_t brain;
  memcpy(&brain, row + 2 * index, sizeof brain);
  union { uint32_t i; float f; } wide = {(uint32_t)brain << 16};
  return tile_flushed(wide.f);
}

// Rounded once, to nearest.
static float tile_multiply_add(float x, float y, float sum) {
  return tile_flushed(fmaf(x, y, tile_flushed(sum)));
}

// sums += left right, whose rows hold pairs of terms. The first terms of all pairs are summed, the
// second ones apart from them, then both, and that is added.
static void _tile_dpbf16ps(int sums, int left, int right) {
  struct tile *c = tile_at(sums);
  const struct tile *a = tile_at(left), *b = tile_at(right);
  tile_check(sums != left && sums != right && left != right);
  tile_check(a->bytes % 4 == 0 && b->bytes % 4 == 0 && c->bytes % 4 == 0);
  tile_check(c->rows == a->rows && c->bytes == b->bytes && a->bytes / 4 == b->rows);
  for (int m = 0; m < c->rows; m++) {
    float sum[tile_bytes / 4][2] = {{0}}, row[tile_bytes / 4];
    for (int k = 0; k < a->bytes / 4; k++)
      for (int n = 0; n < c->bytes / 4; n++)
        for (int i = 0; i < 2; i++)
          sum[n][i] = tile_multiply_add(tile_factor(a->data[m], 2 * k + i),
                                        tile_factor(b->data[k], 2 * n + i), sum[n][i]);
    memcpy(row, c->data[m], sizeof row);
    for (int n = 0; n < c->bytes / 4; n++)
      row[n] = tile_flushed(tile_flushed(row[n]) + tile_flushed(sum[n][0] + sum[n][1]));
    memcpy(c->data[m], row, sizeof row);
  }
}
