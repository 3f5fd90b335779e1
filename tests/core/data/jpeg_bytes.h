// A JPEG in memory, for tests of its reader: the library itself writes none.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <jpeglib.h>

#include "core/data/dataset.h"

namespace semwave {

/// `scans`, where it is given, replaces the one scan of all.
inline std::string jpeg_bytes(const Picture& picture,
                              const std::vector<jpeg_scan_info>& scans = {}) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &memory, &size);
  encoder.image_height = static_cast<JDIMENSION>(picture.height);
  encoder.image_width = static_cast<JDIMENSION>(picture.width);
  encoder.input_components = picture.channels;
  encoder.in_color_space = picture.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 95, TRUE);
  if (!scans.empty()) {
    encoder.scan_info = scans.data();
    encoder.num_scans = static_cast<int>(scans.size());
  }
  jpeg_start_compress(&encoder, TRUE);
  const auto stride =
      static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.channels);
  while (encoder.next_scanline < encoder.image_height) {
    auto* row = const_cast<unsigned char*>(picture.pixels.data()) + encoder.next_scanline * stride;
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::string bytes(reinterpret_cast<char*>(memory), size);
  std::free(memory);
  return bytes;
}

}  // namespace semwave
