#include "CPictures.h"

#include <stdio.h>
#include <string.h>

#include <gif_lib.h>

struct source {
  const uint8_t *bytes;
  size_t count, position;
};

static int read_bytes(GifFileType *gif, GifByteType *target, int count) {
  struct source *source = gif->UserData;
  size_t left = source->count - source->position;
  size_t taken = (size_t)count < left ? (size_t)count : left;
  memcpy(target, source->bytes + source->position, taken);
  source->position += taken;
  return (int)taken;
}

static int fail(char *message, const char *text) {
  snprintf(message, CPICTURES_MESSAGE, "%s", text);
  return -1;
}

// Goes to the first frame; `transparent` is the index that is transparent there, or -1.
static int find_frame(GifFileType *gif, int *transparent, char *message) {
  *transparent = NO_TRANSPARENT_COLOR;
  for (;;) {
    GifRecordType type;
    if (DGifGetRecordType(gif, &type) != GIF_OK) return fail(message, "the file ends early");
    if (type == IMAGE_DESC_RECORD_TYPE) break;
    if (type == TERMINATE_RECORD_TYPE) return fail(message, "there is no frame");
    if (type != EXTENSION_RECORD_TYPE) continue;
    int code;
    GifByteType *block;
    if (DGifGetExtension(gif, &code, &block) != GIF_OK) return fail(message, "the file ends early");
    while (block != NULL) {
      GraphicsControlBlock control;
      if (code == GRAPHICS_EXT_FUNC_CODE &&
          DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        *transparent = control.TransparentColor;
      if (DGifGetExtensionNext(gif, &block) != GIF_OK) return fail(message, "the file ends early");
    }
  }
  return DGifGetImageDesc(gif) == GIF_OK ? 0 : fail(message, "the first frame's header is damaged");
}

// The colour of an index; without a palette, its grey.
static int put(const ColorMapObject *palette, int index, int transparent, int channels,
               uint8_t *pixel) {
  if (palette != NULL && index >= palette->ColorCount) return -1;
  GifColorType grey = {(uint8_t)index, (uint8_t)index, (uint8_t)index};
  GifColorType color = palette == NULL ? grey : palette->Colors[index];
  pixel[0] = color.Red;
  pixel[1] = color.Green;
  pixel[2] = color.Blue;
  if (channels == 4) pixel[3] = index == transparent ? 0 : 255;
  return 0;
}

static void fill(uint8_t *pixels, uint32_t count, const uint8_t *color, int channels) {
  for (uint32_t pixel = 0; pixel < count; pixel++)
    memcpy(pixels + (size_t)channels * pixel, color, (size_t)channels);
}

static int read_picture(GifFileType *gif, struct cpictures_header *header, uint8_t *pixels,
                        char *message) {
  int transparent;
  if (find_frame(gif, &transparent, message) != 0) return -1;
  GifImageDesc frame = gif->Image;
  if (frame.Left < 0 || frame.Top < 0 || frame.Width <= 0 || frame.Height <= 0)
    return fail(message, "the first frame has no pixels");
  // A frame that stands over the screen widens it.
  int right = frame.Left + frame.Width, bottom = frame.Top + frame.Height;
  header->width = (uint32_t)(right > gif->SWidth ? right : gif->SWidth);
  header->height = (uint32_t)(bottom > gif->SHeight ? bottom : gif->SHeight);
  header->has_alpha = transparent != NO_TRANSPARENT_COLOR;
  if (pixels == NULL) return 0;
  const ColorMapObject *palette = frame.ColorMap != NULL ? frame.ColorMap : gif->SColorMap;
  int channels = header->has_alpha ? 4 : 3;
  size_t stride = (size_t)channels * header->width;
  static const int offsets[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
  GifPixelType line[1 << 16];
  for (int pass = 0; pass < (frame.Interlace ? 4 : 1); pass++) {
    int row = frame.Interlace ? offsets[pass] : 0, step = frame.Interlace ? steps[pass] : 1;
    for (; row < frame.Height; row += step) {
      if (DGifGetLine(gif, line, frame.Width) != GIF_OK)
        return fail(message, "the first frame is damaged or ends early");
      uint8_t *target = pixels + (size_t)(frame.Top + row) * stride + (size_t)(channels * frame.Left);
      for (int column = 0; column < frame.Width; column++)
        if (put(palette, line[column], transparent, channels, target + channels * column) != 0)
          return fail(message, "a pixel's colour is not in the palette");
    }
  }
  // The rest of the screen comes last: a frame that is damaged shall not cost the room of a large screen.
  uint8_t around[4];
  if (put(palette, header->has_alpha ? transparent : 0, transparent, channels, around) != 0)
    return fail(message, "the transparent colour is not in the palette");
  for (uint32_t row = 0; row < header->height; row++) {
    uint8_t *target = pixels + row * stride;
    int crosses = row >= (uint32_t)frame.Top && row < (uint32_t)bottom;
    fill(target, crosses ? (uint32_t)frame.Left : header->width, around, channels);
    if (crosses)
      fill(target + channels * right, header->width - (uint32_t)right, around, channels);
  }
  return 0;
}

int cpictures_gif(const uint8_t *bytes, size_t count, struct cpictures_header *header,
                  uint8_t *pixels, char *message) {
  struct source source = {bytes, count, 0};
  int code = 0;
  GifFileType *gif = DGifOpen(&source, read_bytes, &code);
  if (gif == NULL) return fail(message, "the header is damaged or ends early");
  int status = read_picture(gif, header, pixels, message);
  DGifCloseFile(gif, &code);
  return status;
}
