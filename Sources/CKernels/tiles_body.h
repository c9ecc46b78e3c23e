// Products of two blocks of rows with two of columns in tiles. An including file provides the tile
// intrinsics: the processor's, or those of emulated_tiles.h.

// All eight tiles have 16 rows of 64 bytes.
static const struct {
  uint8_t palette, start, reserved[14];
  uint16_t bytes[16];
  uint8_t rows[16];
} CK(tiles) __attribute__((aligned(64))) = {
    .palette = 1,
    .bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

// Of two blocks of rows and two of columns, whose parts are in tiles 4, 5 and 6, 7.
#define MULTIPLY_ADD           \
  _tile_dpbf16ps(0, 4, 6);     \
  _tile_dpbf16ps(1, 4, 7);     \
  _tile_dpbf16ps(2, 5, 6);     \
  _tile_dpbf16ps(3, 5, 7);
#define LOAD_ROWS(from)                       \
  _tile_loadd(4, (from), 64);                 \
  _tile_loadd(5, (from) + ck_block, 64);
#define LOAD_COLUMNS(from)                    \
  _tile_loadd(6, (from), 64);                 \
  _tile_loadd(7, (from) + ck_block, 64);

static void CK(blocks)(const uint16_t *left, const uint16_t *right, ptrdiff_t count,
                       int parts, float sums[ck_square][ck_square]) {
  _tile_loadconfig(&CK(tiles));
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (ptrdiff_t at = 0; at < count; at++, left += parts * ck_part, right += parts * ck_part) {
    LOAD_ROWS(left)
    LOAD_COLUMNS(right)
    MULTIPLY_ADD
    if (parts == 1) continue;
    LOAD_COLUMNS(right + ck_part)
    MULTIPLY_ADD
    LOAD_ROWS(left + ck_part)
    LOAD_COLUMNS(right)
    MULTIPLY_ADD
  }
  _tile_stored(0, &sums[0][0], sizeof sums[0]);
  _tile_stored(1, &sums[0][ck_side], sizeof sums[0]);
  _tile_stored(2, &sums[ck_side][0], sizeof sums[0]);
  _tile_stored(3, &sums[ck_side][ck_side], sizeof sums[0]);
  _tile_release();
}
