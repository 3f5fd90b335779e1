// A journal gives back what was written into it; a torn end is cut off, and nothing else.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include "core/base/error.h"
#include "node/record/journal.h"
#include "node/wire/frame.h"
#include "tests/experiment/tiny_world.h"

/// In place of the C library's, which it calls: notes that a folder was synced.
static std::atomic<int> synced_folders{0};
extern "C" int fsync(int file) {
  struct stat status {};
  if (::fstat(file, &status) == 0 && S_ISDIR(status.st_mode)) ++synced_folders;
  return static_cast<int>(::syscall(SYS_fsync, file));
}

namespace semwave {
namespace {

class Journals : public testing::Test {
 protected:
  void SetUp() override {
    path_ = fresh_folder("journal") + "/one.journal";
    owner_.name = "edge";
    Journal journal(path_, owner_);
    begins_.push_back(bytes().size());
    for (std::uint32_t i = 0; i < 3; ++i) {
      journal.append(Numbered{i, "picture " + std::to_string(i)});
      Record record;
      record.image.image = i;
      record.expert_rows = {1, 2};
      journal.append(record);
      journal.flush();
      begins_.push_back(bytes().size());
    }
    whole_ = bytes();
  }
  std::string bytes() const { return tiny::read_text(path_); }
  /// Records left, and bytes cut off, where the file holds this.
  std::pair<std::size_t, std::size_t> opened(const std::string& content) const {
    tiny::write_text(path_, content);
    std::size_t records = 0;
    const Journal journal(path_, owner_, {.record = [&](Record&&) { ++records; }});
    return {records, journal.cut()};
  }
  void expect_refused(const std::string& content, const std::string& words) const {
    tiny::write_text(path_, content);
    try {
      Journal journal(path_, owner_);
      ADD_FAILURE() << "taken: " << words;
    } catch (const Error& problem) {
      EXPECT_NE(std::string(problem.what()).find(words), std::string::npos) << problem.what();
    }
    EXPECT_EQ(bytes(), content) << "nothing is lost";
  }

  std::string path_, whole_;
  Hello owner_;
  std::vector<std::size_t> begins_;  // after the hello, after each pair of a number and a record
};

TEST_F(Journals, GiveBackWhatWasWritten) {
  std::vector<Numbered> numbered;
  std::vector<Record> records;
  const Journal journal(path_, owner_,
                        {.record = [&](Record&& record) { records.push_back(std::move(record)); },
                         .numbered = [&](Numbered&& one) { numbered.push_back(std::move(one)); }});
  ASSERT_EQ(numbered.size(), 3u);
  EXPECT_EQ(numbered[2].image, 2u);
  EXPECT_EQ(numbered[2].name, "picture 2");
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[1].image.image, 1u);
  EXPECT_EQ(journal.cut(), 0u);
}

TEST_F(Journals, AreTheirOwnersAlone) {
  const auto mode = [&] {
    return static_cast<unsigned>(std::filesystem::status(path_).permissions()) & 0777u;
  };
  EXPECT_EQ(mode(), 0600u);
  ::chmod(path_.c_str(), 0644);  // as earlier versions made it
  Journal(path_, owner_);
  EXPECT_EQ(mode(), 0600u);
}

/// Whoever is told that an image is recorded may rely on it: the name of a new journal survives a
/// power cut too.
TEST_F(Journals, ANewOneIsOnTheDiskWithItsName) {
  const int before = synced_folders;
  Journal(path_, owner_);
  EXPECT_EQ(synced_folders, before) << "it was there";
  Journal(path_ + "2", owner_);
  EXPECT_GE(synced_folders, before + 2) << "its folder, and that one's name";
}

TEST_F(Journals, ATornEndIsCutOff) {
  using Left = std::pair<std::size_t, std::size_t>;
  for (const std::size_t torn : {std::size_t{1}, std::size_t{20}, begins_[3] - begins_[2] - 60}) {
    const std::string half = whole_.substr(0, whole_.size() - torn);
    const auto [records, cut] = opened(half);
    EXPECT_EQ(records, 2u);
    EXPECT_GT(cut, 0u);
    EXPECT_EQ(bytes(), half.substr(0, half.size() - cut));
    EXPECT_EQ(opened(bytes()), (Left{2, 0})) << "once";
  }
  EXPECT_EQ(opened(whole_ + std::string(5000, '\0')), (Left{3, 5000}))
      << "a page that a power cut left empty";
  std::string last = whole_;
  last[last.size() - 3] ^= 1;
  EXPECT_EQ(opened(last).first, 2u) << "nothing stands behind it";
  EXPECT_EQ(opened(whole_.substr(0, 30)), (Left{0, 30})) << "its very first frame";
}

/// A whole frame that says what no record says costs itself alone.
TEST_F(Journals, WhatIsNoRecordIsLeftOut) {
  std::string foreign;
  write_frame(foreign, FrameType::record, "somebody else's");
  tiny::write_text(path_, whole_.substr(0, begins_[1]) + foreign + whole_.substr(begins_[1]));
  std::size_t records = 0;
  std::vector<std::string> unreadable;
  const Journal journal(
      path_, owner_,
      {.record = [&](Record&&) { ++records; },
       .unreadable = [&](const std::string& place) { unreadable.push_back(place); }});
  EXPECT_EQ(records, 3u);
  EXPECT_EQ(unreadable, (std::vector<std::string>{path_ + ": byte " + std::to_string(begins_[1])}));
  EXPECT_EQ(journal.cut(), 0u);
}

TEST_F(Journals, DamageBeforeWholeRecordsIsNot) {
  for (const std::size_t at : {begins_[0] + 40, begins_[1] + 60, begins_[1], begins_[1] + 1,
                               begins_[1] + 4}) {  // in a body, a length, a type
    std::string damaged = whole_;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    expect_refused(damaged, "damaged, and there are records behind it");
  }
  std::string hello = whole_;
  hello[20] ^= 1;
  expect_refused(hello, "no journal");
  expect_refused("A file of somebody else, which happens to stand there.", "no journal");
}

}  // namespace
}  // namespace semwave
