// Pictures of a size that is known before they are read. What one file can cost is bounded whatever
// it says (docs/security.md): its bytes, the texts and profiles of a PNG (not read), data beyond
// its last row, the scans of a JPEG.
#pragma once

#include <cstddef>
#include <string>

#include "core/data/dataset.h"

namespace semwave {

/// The size that a picture must have, and what to tell where it has another: "the model takes 28 x
/// 28 with 1 channel".
struct WantedPicture {
  int height = 0, width = 0, channels = 0;
  std::string remark;
};

/// "28 x 28 with 1 channel": width, height.
std::string size_text(int height, int width, int channels);

/// As read_picture(path); the size is compared with the file's header before anything is decoded.
Picture read_picture(const std::string& path, const WantedPicture& wanted);
Picture parse_picture(const void* data, std::size_t bytes, const std::string& place,
                      const WantedPicture& wanted);

}  // namespace semwave
