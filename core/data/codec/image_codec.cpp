// The entries.
#include "core/data/codec/image_codec.h"

namespace semwave {

ImageCodecRegistry& image_codecs() {
  static ImageCodecRegistry registry = [] {
    ImageCodecRegistry all("image codec");
    const Field most{.name = "most_quality",
                     .type = FieldType::integer,
                     .summary = "no better quality is tried, however much fits",
                     .fallback = Json(ImageCodec::best_quality),
                     .minimum = 0,
                     .maximum = ImageCodec::best_quality};
    all.add("jpeg",
            {.summary = "baseline JPEG (libjpeg-turbo): quality and entropy-coded data; markers, "
                        "size and the standard tables are not counted",
             .fields = {most}},
            [](const Json&) { return make_jpeg_codec(); });
    all.add("webp",
            {.summary =
                 "lossy WebP (libwebp, VP8): the frame without its container, start code and size",
             .fields = {most}},
            [](const Json&) { return make_webp_codec(); });
    all.add("heic",
            {.summary = "HEVC still picture (libheif with x265), stand-in for BPG: the slice "
                        "alone; boxes and parameter sets follow from the size and are not counted",
             .fields = {most}},
            [](const Json&) { return make_heic_codec(); });
    return all;
  }();
  return registry;
}

}  // namespace semwave
