#include "CPictures.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

struct source {
  const uint8_t *bytes;
  size_t count, position;
};

static void read_bytes(png_structp png, png_bytep target, size_t count) {
  struct source *source = png_get_io_ptr(png);
  if (count > source->count - source->position) png_error(png, "the file ends early");
  memcpy(target, source->bytes + source->position, count);
  source->position += count;
}

static void fail(png_structp png, png_const_charp text) {
  snprintf(png_get_error_ptr(png), CPICTURES_MESSAGE, "%s", text);
  png_longjmp(png, 1);
}

static void pass_over(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

// Header, and pixels if they are asked for, once errors have somewhere to go.
static void read_picture(png_structp png, png_infop info, struct cpictures_header *header,
                         uint8_t *pixels) {
  // Texts and profiles say nothing of the pixels, and each may inflate to megabytes, or claim 2 GB.
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_read_info(png, info);
  header->width = png_get_image_width(png, info);
  header->height = png_get_image_height(png, info);
  header->has_alpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) != 0 ||
                      png_get_valid(png, info, PNG_INFO_tRNS) != 0;
  if (pixels == NULL) return;
  // Palettes and grey of fewer bits to 8 bits, tRNS to an alpha channel.
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  size_t stride = (header->has_alpha ? 4 : 3) * (size_t)header->width;
  if (png_get_rowbytes(png, info) != stride) png_error(png, "rows are not 8-bit RGB or RGBA");
  for (int pass = 0; pass < passes; pass++)
    for (uint32_t row = 0; row < header->height; row++)
      png_read_row(png, pixels + row * stride, NULL);
  png_read_end(png, NULL);
}

int cpictures_png(const uint8_t *bytes, size_t count, struct cpictures_header *header,
                  uint8_t *pixels, char *message) {
  struct source source = {bytes, count, 0};
  snprintf(message, CPICTURES_MESSAGE, "libpng cannot be started");
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, message, fail, pass_over);
  if (png == NULL) return -1;
  png_infop info = png_create_info_struct(png);
  if (info == NULL || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_read_struct(&png, &info, NULL);
    return -1;
  }
  png_set_read_fn(png, &source, read_bytes);
  read_picture(png, info, header, pixels);
  png_destroy_read_struct(&png, &info, NULL);
  return 0;
}
