// Streams of images that were encoded before. What an image becomes at a quality depends on nothing
// else, and the points of a sweep ask for the same again and again; the slower codecs would take
// most of the time of a study otherwise. One store for the whole process, by the content of the
// images: whatever it holds or has forgotten, results are the same. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/data/codec/image_codec.h"

namespace semwave {

using Stream = std::shared_ptr<const std::vector<std::uint8_t>>;

class EncodedImages {
 public:
  static EncodedImages& of_process();

  /// One image in one codec; encodes what is asked for and is not there.
  class One {
   public:
    One(EncodedImages& store, const ImageCodec& codec, const std::string& kind,
        const Picture& picture);
    Stream at(int quality) const;

   private:
    EncodedImages& store_;
    const ImageCodec& codec_;
    const Picture& picture_;
    std::string key_;
  };

 private:
  static constexpr std::size_t most_bytes = std::size_t{256} << 20;  // then all is forgotten

  Stream find(const std::string& key);
  void keep(const std::string& key, const Stream& stream);

  std::mutex mutex_;
  std::unordered_map<std::string, Stream> streams_;
  std::size_t bytes_ = 0;
};

}  // namespace semwave
