// IDX files: two zero bytes, type 8 (unsigned byte), rank, big-endian extents, the values.
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "core/base/error.h"
#include "core/base/input_file.h"
#include "core/data/dataset.h"

namespace semwave {
namespace {

constexpr std::uint64_t size_limit = std::uint64_t{512} << 20;

/// A file that zlib unpacks where it is packed, and passes through where it is not.
class PackedFile {
 public:
  explicit PackedFile(const std::string& path) : path_(path), file_(nullptr, gzclose_r) {
    InputFile file(path);
    packed_bytes_ = file.bytes();
    const int number = file.release();
    file_.reset(gzdopen(number, "rb"));
    if (file_) return;
    ::close(number);
    throw Error(path, "cannot open: " + std::generic_category().message(ENOMEM));
  }

  /// Up to `bytes`; fewer only at the end.
  std::size_t read(std::uint8_t* out, std::size_t bytes) {
    std::size_t filled = 0;
    while (filled < bytes) {
      const int got =
          gzread(file_.get(), out + filled,
                 static_cast<unsigned>(std::min<std::size_t>(bytes - filled, 1u << 24)));
      if (got < 0) fail();
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    if (filled < bytes) {  // a packed file that breaks off says so here
      int status = Z_OK;
      (void)gzerror(file_.get(), &status);
      if (status != Z_OK && status != Z_STREAM_END) fail();
    }
    return filled;
  }

  std::uint64_t packed_bytes() const { return packed_bytes_; }
  bool packed() const { return gzdirect(file_.get()) == 0; }

 private:
  [[noreturn]] void fail() {
    int status = Z_OK;
    const std::string why = gzerror(file_.get(), &status);
    throw Error(path_, status == Z_ERRNO ? "cannot read: " + std::generic_category().message(errno)
                       : status == Z_BUF_ERROR ? "the gzip file is truncated"
                                               : "the gzip file is corrupt (" + why + ")");
  }

  std::string path_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
  std::uint64_t packed_bytes_ = 0;
};

}  // namespace

IdxArray read_idx(const std::string& path) {
  PackedFile file(path);
  std::uint8_t head[4];
  if (file.read(head, 4) != 4 || head[0] != 0 || head[1] != 0) throw Error(path, "is no IDX file");
  if (head[2] != 8)
    throw Error(path,
                "holds type " + std::to_string(head[2]) + ", only unsigned bytes (8) are read");
  if (head[3] < 1 || head[3] > 4)
    throw Error(path, "has rank " + std::to_string(head[3]) + ", 1 to 4 are read");

  IdxArray array;
  std::uint64_t total = 1;
  for (int axis = 0; axis < head[3]; ++axis) {
    std::uint8_t bytes[4];
    if (file.read(bytes, 4) != 4) throw Error(path, "is truncated in its header");
    const std::uint32_t extent = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 |
                                 std::uint32_t{bytes[2]} << 8 | bytes[3];
    if (__builtin_mul_overflow(total, std::uint64_t{extent}, &total) || total > size_limit)
      throw Error(path, "its header says more than 512 MiB");
    array.shape.push_back(extent);
  }
  // Deflate packs at most 1032 to 1: a small file that claims much is refused before memory is
  // taken for it.
  const std::uint64_t possible = file.packed() ? file.packed_bytes() * 1032 : file.packed_bytes();
  const std::string says = "its header says " + std::to_string(total) + " bytes, ";
  if (total > possible)
    throw Error(path, says + "the file cannot hold as many: truncated or corrupt");
  array.values.resize(total);
  if (const std::size_t filled = file.read(array.values.data(), total); filled < total)
    throw Error(path, says + "only " + std::to_string(filled) + " follow: truncated");
  std::uint8_t more;
  if (file.read(&more, 1) != 0)
    throw Error(path, says + "more follow");  // reading to the end also checks the gzip sum
  return array;
}

}  // namespace semwave
