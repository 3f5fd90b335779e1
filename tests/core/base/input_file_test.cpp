// Files from outside: what is no regular file is refused at once, whoever reads it.
#include "core/base/input_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include "core/base/file.h"
#include "core/config/json.h"
#include "core/data/dataset.h"
#include "core/tensor/checkpoint.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

struct Reader {
  const char* name;
  std::function<void(const std::string&)> read;
};

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all{
      {"whole", [](const std::string& path) { (void)read_file_whole(path, 1000); }},
      {"or pipe", [](const std::string& path) { (void)read_file_or_pipe(path, 1000); }},
      {"lines", [](const std::string& path) { (void)LineReader(path); }},
      {"json", [](const std::string& path) { (void)read_json(path); }},
      {"checkpoint", [](const std::string& path) { (void)read_checkpoint(path); }},
      {"idx", [](const std::string& path) { (void)read_idx(path); }},
      {"picture", [](const std::string& path) { (void)read_picture(path); }},
  };
  return all;
}

/// Ends the process where a reader hangs: a hang is what these tests look for.
class Alarm {
 public:
  Alarm() { ::alarm(20); }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;
  ~Alarm() { ::alarm(0); }
};

std::string make_pipe(const std::string& name) {
  const std::string path = temporary_path(name);
  EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  return path;
}

TEST(InputFile, APipeIsRefusedWithoutWaitingForAWriter) {
  const Alarm alarm;
  const std::string path = make_pipe("pipe");
  for (const Reader& reader : readers())
    EXPECT_EQ(error_of([&] { reader.read(path); }), path + ": cannot read: a pipe, no regular file")
        << reader.name;
}

TEST(InputFile, ADeviceASocketAndAFolderAreRefused) {
  const Alarm alarm;
  const std::string folder = fresh_folder("folder");
  // A name of at most 107 bytes, which is all that a socket's may have.
  const std::string socket_path = scratch_folder() + "/s";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(socket_path.size(), sizeof address.sun_path);
  socket_path.copy(address.sun_path, socket_path.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (const Reader& reader : readers()) {
    EXPECT_EQ(error_of([&] { reader.read("/dev/zero"); }),
              "/dev/zero: cannot read: a device, no regular file")
        << reader.name;
    EXPECT_EQ(error_of([&] { reader.read(socket_path); }),
              socket_path + ": cannot open: a socket, no regular file")
        << reader.name;
    EXPECT_EQ(error_of([&] { reader.read(folder); }), folder + ": cannot read: Is a directory")
        << reader.name;
  }
  ::close(socket);
}

TEST(InputFile, APathEndsAtNoNul) {
  const std::string path = temporary_path("a");
  write_file_whole(path, "x", 1);
  const std::string longer = path + std::string("\0.json", 6);
  for (const Reader& reader : readers())
    expect_contains(error_of([&] { reader.read(longer); }), "NUL");
  expect_contains(error_of([&] { write_file_whole(longer, "y", 1); }), "NUL");
  EXPECT_EQ(read_file_whole(path, 1), "x");
}

TEST(InputFile, NothingIsAppendedToAPipe) {
  const Alarm alarm;
  const std::string path = make_pipe("pipe");
  EXPECT_EQ(error_of([&] { append_synced(path, "x"); }),
            path + ": cannot be opened: a pipe, no regular file");
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT_EQ(error_of([&] { append_synced(path, "x"); }),
            path + ": cannot be opened: a pipe, no regular file");
  ::close(reader);
}

TEST(InputFile, ANamelessPipeIsReadToItsEndAndBounded) {
  const Alarm alarm;
  const std::string text(200000, 'x');
  const auto through = [&](std::size_t most) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::thread writer([&] {
      (void)!::write(ends[1], text.data(), 70000 - 4464);  // what fits without a reader
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      for (std::size_t done = 65536; done < text.size();) {
        const ssize_t more = ::write(ends[1], text.data() + done, text.size() - done);
        if (more <= 0) break;
        done += static_cast<std::size_t>(more);
      }
      ::close(ends[1]);
    });
    std::string got;
    try {
      got = read_file_or_pipe("/dev/fd/" + std::to_string(ends[0]), most);
    } catch (const Error& problem) {
      got = problem.what();
    }
    // What was not read is thrown away, so that the writer ends.
    for (char piece[4096]; ::read(ends[0], piece, sizeof piece) > 0;) {
    }
    writer.join();
    ::close(ends[0]);
    return got;
  };
  EXPECT_EQ(through(200000), text);
  expect_contains(through(199999), "larger than the 199999 bytes");
}

TEST(LineReader, GivesLinesHoweverTheFileIsCutIntoPieces) {
  const std::string path = temporary_path("lines");
  const std::string longer(150000, 'y');
  const std::string text = "one\n\n" + longer + "\nlast\n";
  write_file_whole(path, text.data(), text.size());
  LineReader lines(path);
  std::string line;
  for (const std::string& expected :
       {std::string("one"), std::string(), longer, std::string("last")}) {
    ASSERT_TRUE(lines.next(line));
    EXPECT_EQ(line, expected);
    EXPECT_FALSE(lines.torn());
  }
  EXPECT_FALSE(lines.next(line));
  LineReader from(path, 5 + longer.size() + 1);
  ASSERT_TRUE(from.next(line));
  EXPECT_EQ(line, "last");
}

TEST(LineReader, SaysWhereTheLastLineWasCut) {
  const std::string path = temporary_path("lines");
  write_file_whole(path, "one\ntw", 6);
  LineReader lines(path);
  std::string line;
  ASSERT_TRUE(lines.next(line));
  EXPECT_FALSE(lines.torn());
  ASSERT_TRUE(lines.next(line));
  EXPECT_EQ(line, "tw");
  EXPECT_TRUE(lines.torn());
  EXPECT_FALSE(lines.next(line));
}

TEST(LineReader, AnEndlessLineIsAnError) {
  const std::string path = temporary_path("lines");
  const std::string fits(LineReader::longest_line, 'x');
  const std::string text = fits + "\n" + fits + "x\n";
  write_file_whole(path, text.data(), text.size());
  LineReader lines(path);
  std::string line;
  ASSERT_TRUE(lines.next(line));
  expect_contains(error_of([&] { (void)lines.next(line); }), path + ": a line is longer than");
}

}  // namespace
}  // namespace semwave
