// A watched folder: each picture is sent once, and its record names the file.
#include "node/record/watched_name.h"
#include "node/wire/frame.h"
#include "node/wire/statement.h"
#include "tests/node/two_nodes.h"

#include "core/base/error.h"
#include "node/transmitter/work.h"
#include "node/wire/frame.h"
#include "tests/core/expect_error.h"

namespace semwave {
namespace {

class WatchedFolders : public Nodes {};

TEST(WatchedNames, AreTheFilesAgain) {
  EXPECT_EQ(file_of("a%20b%c3%b6.png 12 34"), "a b\xC3\xB6.png");
  EXPECT_EQ(file_of("odd%zz%4%.png 1 2"), "odd%zz%4%.png");
  EXPECT_EQ(file_of("%00.png 1 2"), "%00.png");
  EXPECT_EQ(file_of(""), "");
}

TEST_F(WatchedFolders, AWatchedFolderIsAnsweredOnce) {
  const std::string watched = folder_ + "/watched", here = folder_ + "/here";
  std::filesystem::create_directories(watched);
  const std::string pictures = folder_ + "/pictures/test/dark";
  nodes::RunningServer server(scenario(), {});
  ClientOptions client = to(server.port());
  client.watch = watched;
  client.out = here;
  client.count = 3;
  nodes::Said said;
  client.log = said.sink();
  for (int i = 0; i < 3; ++i)
    std::filesystem::copy_file(pictures + "/" + std::to_string(1000 + i) + ".png",
                               watched + "/" + std::to_string(i) + ".png");
  tiny::write_text(watched + "/broken.png", "no picture");
  tiny::write_text(watched + "/notes.txt", "not looked at");
  std::vector<std::string> names;
  client.answered = [&](const Record& record) { names.push_back(record.name.substr(0, 5)); };
  const ClientSummary sent = nodes::transmit(scenario(), client);
  EXPECT_EQ(sent.failure, "");
  EXPECT_EQ(names, (std::vector<std::string>{"0.png", "1.png", "2.png"}));
  EXPECT_TRUE(said.has("broken.png"));
  ASSERT_EQ(sent.rows.size(), 1u);
  EXPECT_FALSE(sent.rows[0].contains("accuracy"));  // there are no labels
  // Another life sends what is new alone.
  std::filesystem::copy_file(pictures + "/1003.png", watched + "/3.png");
  client.count = 4;
  EXPECT_EQ(nodes::transmit(scenario(), client).answered, 1);
  EXPECT_EQ(names.back(), "3.png");
}

TEST_F(WatchedFolders, NamesInAnyAlphabetAreDifferentNames) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const std::string watched = fresh_folder("watched"),
                    picture = folder_ + "/pictures/test/dark/1000.png";
  const std::string letters = "\xC3\xA4";
  std::string many;
  for (int i = 0; i < 100; ++i) many += letters;
  for (const std::string& name :
       {letters, std::string("\xC3\xB6"), std::string("%C3%A4"), many + "1", many + "2"})
    std::filesystem::copy_file(picture, watched + "/" + name + ".png");
  for (const auto& entry : std::filesystem::directory_iterator(watched))
    std::filesystem::last_write_time(entry,
                                     {});  // as from an archive: nothing else tells them apart
  tiny::write_text(watched + "/" + letters + ".png",
                   tiny::read_text(folder_ + "/pictures/test/light/1001.png"));
  WatchedFolder folder(watched, Station(scenario(), *backend).model(0).architecture);
  std::vector<std::string> problems;
  EXPECT_TRUE(folder.look(problems).empty()) << "still being written, perhaps";
  std::set<std::string> names;
  for (const WatchedFolder::Found& found : folder.look(problems)) {
    names.insert(found.name);
    EXPECT_TRUE(read_numbered(write(Numbered{found.image, found.name})))
        << found.name << " fits a journal";
  }
  EXPECT_EQ(names.size(), 5u);
  EXPECT_EQ(std::count_if(names.begin(), names.end(),
                          [](const std::string& name) { return name.starts_with("%c3%a4.png "); }),
            1);
}

TEST_F(WatchedFolders, RecordsNameTheFileOfAWatchedPicture) {
  nodes::RunningServer server(scenario(), {});
  ClientOptions client = to(server.port());
  client.watch = fresh_folder("watched");
  client.out = fresh_folder("here");
  const std::string picture = folder_ + "/pictures/test/dark/1000.png";
  const std::vector<std::string> names{"%c3 100%.png", "\xC3\xB6.png", "\xFF.png"};
  for (const std::string& name : names)
    std::filesystem::copy_file(picture, client.watch + "/" + name);
  client.count = 3;
  EXPECT_EQ(nodes::transmit(scenario(), client).failure, "");
  std::vector<std::string> files;
  for (const std::string& line : tiny::lines_of(client.out + "/records.jsonl"))
    files.push_back(Json::parse(line)["file"]);
  EXPECT_EQ(files, (std::vector<std::string>{names[0], names[1], "\\xff.png"}));
}

TEST_F(WatchedFolders, AWatchedPictureOfAnotherSizeIsNotDecoded) {
  const std::unique_ptr<Backend> backend = make_cpu_backend();
  const std::string watched = fresh_folder("watched");
  write_png(watched + "/wide.png", {8, 9, 1, std::vector<std::uint8_t>(72)});
  std::string cut = tiny::read_text(watched + "/wide.png");
  cut.resize(cut.find("IDAT") + 6);  // its header is whole, no pixel is there
  tiny::write_text(watched + "/wide.png", cut);
  WatchedFolder folder(watched, Station(scenario(), *backend).model(0).architecture);
  std::vector<std::string> problems;
  (void)folder.look(problems);
  EXPECT_TRUE(folder.look(problems).empty());
  EXPECT_EQ(
      problems,
      std::vector<std::string>{
          watched + "/wide.png: is 9 x 8 with 1 channel, the model takes 8 x 8 with 1 channel"});
}

}  // namespace
}  // namespace semwave
