#include "CPictures.h"

#include <stdio.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

static int fail(char *message, const char *text) {
  snprintf(message, CPICTURES_MESSAGE, "%s", text);
  return -1;
}

// The first frame of an animation, drawn on its canvas.
static int read_frame(const WebPData *data, const struct cpictures_header *header,
                      uint8_t *pixels, char *message) {
  WebPAnimDecoderOptions options;
  if (!WebPAnimDecoderOptionsInit(&options)) return fail(message, "libwebp is of another version");
  options.color_mode = MODE_RGBA;
  WebPAnimDecoder *decoder = WebPAnimDecoderNew(data, &options);
  if (decoder == NULL) return fail(message, "the animation is damaged or ends early");
  uint8_t *canvas = NULL;
  int time = 0;
  int status = WebPAnimDecoderGetNext(decoder, &canvas, &time) ? 0 : -1;
  size_t count = (size_t)header->width * header->height;
  if (status == 0 && header->has_alpha) {
    memcpy(pixels, canvas, 4 * count);
  } else if (status == 0) {
    for (size_t pixel = 0; pixel < count; pixel++) memcpy(pixels + 3 * pixel, canvas + 4 * pixel, 3);
  }
  WebPAnimDecoderDelete(decoder);
  return status == 0 ? 0 : fail(message, "the first frame is damaged or ends early");
}

int cpictures_webp(const uint8_t *bytes, size_t count, struct cpictures_header *header,
                   uint8_t *pixels, char *message) {
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(bytes, count, &features) != VP8_STATUS_OK)
    return fail(message, "the header is damaged or ends early");
  header->width = (uint32_t)features.width;
  header->height = (uint32_t)features.height;
  header->has_alpha = features.has_alpha;
  if (pixels == NULL) return 0;
  if (features.has_animation) {
    WebPData data = {bytes, count};
    return read_frame(&data, header, pixels, message);
  }
  int stride = (features.has_alpha ? 4 : 3) * features.width;
  size_t room = (size_t)stride * (size_t)features.height;
  uint8_t *end = features.has_alpha ? WebPDecodeRGBAInto(bytes, count, pixels, room, stride)
                                    : WebPDecodeRGBInto(bytes, count, pixels, room, stride);
  return end == NULL ? fail(message, "the picture is damaged or ends early") : 0;
}
