#include "CPictures.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

// A progressive file may ask for any number of passes over the whole picture; real ones have ten.
enum { MOST_SCANS = 200 };

struct failure {
  struct jpeg_error_mgr manager;  // first: libjpeg sees this
  jmp_buf place;
  char *message;
};

static void fail(j_common_ptr info) {
  struct failure *failure = (struct failure *)info->err;
  char text[JMSG_LENGTH_MAX];
  info->err->format_message(info, text);
  snprintf(failure->message, CPICTURES_MESSAGE, "%.*s", CPICTURES_MESSAGE - 1, text);
  longjmp(failure->place, 1);
}

// libjpeg calls this of what it can guess around; only what leaves every pixel intact may pass.
static void judge(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC: return;
    default: fail(info);
  }
}

static void count_scans(j_common_ptr info) {
  struct failure *failure = (struct failure *)info->err;
  if (((j_decompress_ptr)info)->input_scan_number <= MOST_SCANS) return;
  snprintf(failure->message, CPICTURES_MESSAGE, "more than %d scans", MOST_SCANS);
  longjmp(failure->place, 1);
}

static void read_picture(struct jpeg_decompress_struct *info, struct cpictures_header *header,
                         uint8_t *pixels) {
  jpeg_read_header(info, TRUE);
  header->width = info->image_width;
  header->height = info->image_height;
  header->has_alpha = 0;
  switch (info->jpeg_color_space) {
    case JCS_GRAYSCALE:
    case JCS_RGB:
    case JCS_YCbCr: break;
    default: {
      struct failure *failure = (struct failure *)info->err;
      snprintf(failure->message, CPICTURES_MESSAGE,
               "%d components, as in CMYK; expected grey or RGB: convert it",
               info->num_components);
      longjmp(failure->place, 1);
    }
  }
  if (pixels == NULL) return;
  info->out_color_space = JCS_RGB;
  jpeg_start_decompress(info);
  size_t stride = 3 * (size_t)header->width;
  while (info->output_scanline < info->output_height) {
    JSAMPROW row = pixels + info->output_scanline * stride;
    jpeg_read_scanlines(info, &row, 1);
  }
  jpeg_finish_decompress(info);
}

int cpictures_jpeg(const uint8_t *bytes, size_t count, struct cpictures_header *header,
                   uint8_t *pixels, char *message) {
  struct jpeg_decompress_struct info;
  struct jpeg_progress_mgr progress = {.progress_monitor = count_scans};
  struct failure failure;
  memset(&info, 0, sizeof info);
  info.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = fail;
  failure.manager.emit_message = judge;
  failure.message = message;
  if (setjmp(failure.place) != 0) {
    jpeg_destroy_decompress(&info);
    return -1;
  }
  jpeg_create_decompress(&info);
  info.progress = &progress;
  jpeg_mem_src(&info, bytes, count);
  read_picture(&info, header, pixels);
  jpeg_destroy_decompress(&info);
  return 0;
}

static void write_picture(struct jpeg_compress_struct *info, const uint8_t *pixels, int quality) {
  info->input_components = 3;
  info->in_color_space = JCS_RGB;
  jpeg_set_defaults(info);
  jpeg_set_quality(info, quality, TRUE);
  info->optimize_coding = TRUE;
  // As many samples of colour as of lightness: a word's colour may be what a picture is judged by.
  for (int component = 0; component < info->num_components; component += 1) {
    info->comp_info[component].h_samp_factor = 1;
    info->comp_info[component].v_samp_factor = 1;
  }
  jpeg_start_compress(info, TRUE);
  size_t stride = 3 * (size_t)info->image_width;
  while (info->next_scanline < info->image_height) {
    // libjpeg asks for samples that may be written to, and writes to none.
    JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + info->next_scanline * stride);
    jpeg_write_scanlines(info, &row, 1);
  }
  jpeg_finish_compress(info);
}

int cpictures_write_jpeg(const uint8_t *pixels, uint32_t width, uint32_t height, int quality,
                         unsigned char **bytes, unsigned long *count, char *message) {
  struct jpeg_compress_struct info;
  struct failure failure;
  memset(&info, 0, sizeof info);
  info.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = fail;
  failure.manager.emit_message = judge;
  failure.message = message;
  if (setjmp(failure.place) != 0) {
    jpeg_destroy_compress(&info);
    return -1;
  }
  jpeg_create_compress(&info);
  info.image_width = width;
  info.image_height = height;
  jpeg_mem_dest(&info, bytes, count);
  write_picture(&info, pixels, quality);
  jpeg_destroy_compress(&info);
  return 0;
}
