// PNG, JPEG, WebP and GIF files to 8-bit RGB or RGBA, and RGB to JPEG files, through libpng, libjpeg, libwebp and
// giflib.
//
// The first two libraries report errors by a long jump, which must not pass through Swift: these functions
// catch it. They keep no state, write only where they are told to, and never end the process.

#ifndef CPICTURES_H
#define CPICTURES_H

#include <stddef.h>
#include <stdint.h>

// Room for a message with its end.
enum { CPICTURES_MESSAGE = 256 };

// What a file says of its picture before the pixels.
struct cpictures_header {
  uint32_t width, height;
  // Whether some of the picture may be transparent; then each pixel has a fourth sample.
  int has_alpha;
};

// Reads the header of the `count` bytes of a PNG file and, unless `pixels` is NULL, the picture as
// `[row, column, red | green | blue]`, and alpha where the header says so; `pixels` has room for it.
//
// Grey and palettes become RGB, of 16-bit samples the upper byte is kept, colour profiles are
// passed over. Returns 0, or -1 with a reason in `message`.
int cpictures_png(const uint8_t *bytes, size_t count, struct cpictures_header *header,
                  uint8_t *pixels, char *message);

// The same of a JPEG file, grey or of three components, baseline or progressive.
//
// Data that ends early or is damaged is a failure; bytes between markers are passed over.
int cpictures_jpeg(const uint8_t *bytes, size_t count, struct cpictures_header *header,
                   uint8_t *pixels, char *message);

// The same of a WebP file; of an animation, its first frame.
int cpictures_webp(const uint8_t *bytes, size_t count, struct cpictures_header *header,
                   uint8_t *pixels, char *message);

// The same of a GIF file's first frame. What of the screen it leaves out is transparent where the frame has
// a transparent colour, and the palette's first colour otherwise.
int cpictures_gif(const uint8_t *bytes, size_t count, struct cpictures_header *header,
                  uint8_t *pixels, char *message);

// Writes a picture of `[row, column, red | green | blue]` as a baseline JPEG file of this quality, 1 to 100, without
// metadata, to memory that the caller frees; `*bytes` is NULL before. Returns 0, or -1 with a reason in `message`.
int cpictures_write_jpeg(const uint8_t *pixels, uint32_t width, uint32_t height, int quality,
                         unsigned char **bytes, unsigned long *count, char *message);

#endif
