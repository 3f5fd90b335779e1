// Any file as a receiver's journal: opened, replayed, its rows written; an Error, or rows of those
// records that fit the scenario.
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "tests/fuzz/node_world.h"

namespace {

using namespace semwave;

std::string journal_of(const fuzz::World& world, fuzz::Input& input) {
  std::string file;
  write_frame(file, FrameType::hello, write(world.hello(1)));
  for (int lines = 0; !input.empty() && lines < 32; ++lines) {
    const std::uint8_t what = input.byte();
    if (what % 8 == 0) {
      file += input.bytes(input.word());
    } else if (what % 8 == 1) {
      const std::uint8_t type = input.byte();
      write_frame(file, static_cast<FrameType>(1 + type % 11), input.bytes(input.word()));
    } else {
      std::string body = write(world.records[input.byte() % world.records.size()]);
      input.edit(body);
      write_frame(file, FrameType::record, body);
    }
  }
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  static const std::string folder = [] {
    std::string name = std::filesystem::is_directory("/dev/shm") ? "/dev/shm/semwave-XXXXXX"
                                                                 : "/tmp/semwave-XXXXXX";
    require(mkdtemp(name.data()) != nullptr, "there is a folder to work in");
    return name;
  }();
  fuzz::Input input(data, bytes);
  const fuzz::World& world = fuzz::world(input.byte());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/receiver.journal", std::ios::binary) << journal_of(world, input);
  ServerOptions options;
  options.out = folder;
  try {
    ServerSummary summary;
    Intake intake(*world.station, fuzz::pool(), options, summary);
    fuzz::check_rows(intake, summary);
  } catch (const Error&) {
  }
  std::filesystem::remove_all(folder);
  return 0;
}
