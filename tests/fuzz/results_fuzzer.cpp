// Any text as a result folder, its files cut apart by lines of "====": scenario.json,
// results.jsonl, records.jsonl, run.json. Whoever reads such a folder meets an Error, or rows and
// records that can be shown and compared.
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "core/base/error.h"
#include "core/base/text.h"
#include "experiment/results/compare.h"
#include "experiment/results/point_lines.h"
#include "experiment/results/recorded_folder.h"
#include "tests/fuzz/require.h"

namespace {

const std::string& folder() {
  static const std::string path = [] {
    std::string made = access("/dev/shm", W_OK) == 0 ? "/dev/shm/results_fuzzer_XXXXXX"
                                                     : "/tmp/results_fuzzer_XXXXXX";
    require(mkdtemp(made.data()) != nullptr, "a folder in memory can be made");
    static std::string kept;
    kept = made;
    std::atexit([] {
      for (const char* name : {"scenario.json", "results.jsonl", "records.jsonl", "run.json"})
        unlink((kept + "/" + name).c_str());
      rmdir(kept.c_str());
    });
    return made;
  }();
  return path;
}

void write(const std::string& name, std::string_view text) {
  std::ofstream(folder() + "/" + name, std::ios::binary | std::ios::trunc) << text;
}

std::size_t deepest(const semwave::OrderedJson& value) {
  std::size_t below = 0;
  if (!value.is_structured()) return 0;
  for (const auto& element : value) below = std::max(below, deepest(element));
  return below + 1;
}

void read_through(const semwave::RecordedFolder& read) {
  for (std::size_t row = 0; row < read.rows().size(); ++row) {
    require(deepest(read.rows()[row]) <= 64, "no row is nested without end");
    const std::string label = read.label(row);
    require(semwave::is_printable(label), "what is printed is printable");
    for (const std::string& pointer : read.swept()) try {
        (void)read.value_at(row, pointer);
      } catch (const semwave::Error&) {
      }
    try {
      semwave::RecordReader records(read.records_file(), read.records_of(row));
      std::int64_t last = -1;
      while (const auto record = records.next()) {
        require(record->uses.total() >= 0, "a record's uses are in range");
        require(record->timeline || record->image > last, "records ascend in their images");
        last = record->image;
      }
    } catch (const semwave::Error&) {
    }
  }
}

void compare(const semwave::RecordedFolder& read) {
  semwave::PairedTotals all;
  for (const semwave::MatchedPoint& match : semwave::match_points(read, read, {}, {})) {
    const semwave::PointComparison made = semwave::compare_point(read, read, match, all);
    require(made.only_a == 0 && made.only_b == 0, "a folder has its own images");
    require(!semwave::comparison_json(made.both).dump().empty(), "and is compared");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  std::string_view rest(reinterpret_cast<const char*>(data), bytes);
  constexpr std::string_view cut = "====\n";
  for (const char* name : {"scenario.json", "results.jsonl", "records.jsonl", "run.json"}) {
    const std::size_t end = std::min(rest.find(cut), rest.size());
    write(name, rest.substr(0, end));
    rest.remove_prefix(std::min(end + cut.size(), rest.size()));
  }
  try {
    (void)semwave::to_csv(semwave::read_rows(folder() + "/results.jsonl").rows);
  } catch (const semwave::Error&) {
  }
  try {
    std::size_t whole = 0;
    (void)semwave::read_blocks(folder() + "/records.jsonl", &whole);
  } catch (const semwave::Error&) {
  }
  try {
    const semwave::RecordedFolder read(folder());
    read_through(read);
    compare(read);
  } catch (const semwave::Error&) {
  }
  return 0;
}
