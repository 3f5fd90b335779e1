#include "transmitter/separation/encoded_images.h"

#include "core/base/sha256.h"

namespace semwave {

EncodedImages& EncodedImages::of_process() {
  static EncodedImages store;
  return store;
}

Stream EncodedImages::find(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(key);
  return found == streams_.end() ? nullptr : found->second;
}

void EncodedImages::keep(const std::string& key, const Stream& stream) {
  const std::lock_guard lock(mutex_);
  const std::size_t added = stream->size() + key.size();
  if (bytes_ + added > most_bytes) {
    streams_.clear();
    bytes_ = 0;
  }
  if (streams_.emplace(key, stream).second) bytes_ += added;
}

EncodedImages::One::One(EncodedImages& store, const ImageCodec& codec, const std::string& kind,
                        const Picture& picture)
    : store_(store),
      codec_(codec),
      picture_(picture),
      key_(kind + " " + std::to_string(picture.height) + "x" + std::to_string(picture.width) + "x" +
           std::to_string(picture.channels) + " " +
           sha256(picture.pixels.data(), picture.pixels.size()) + " ") {}

Stream EncodedImages::One::at(int quality) const {
  const std::string key = key_ + std::to_string(quality);
  if (Stream found = store_.find(key)) return found;
  Stream made = std::make_shared<const std::vector<std::uint8_t>>(codec_.encode(picture_, quality));
  store_.keep(key, made);
  return made;
}

}  // namespace semwave
