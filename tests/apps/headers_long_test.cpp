// Every installed header compiles by itself: whoever includes one needs no other before it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/thread_pool.h"
#include "tests/experiment/tiny_world.h"

namespace semwave {
namespace {

TEST(InstalledHeaders, EachCompilesAlone) {
  const std::string folder = fresh_folder("headers"), include = folder + "/prefix/include";
  ASSERT_EQ(std::system(("cmake --install " SEMWAVE_BINARY_DIR " --prefix " + folder +
                         "/prefix > " + folder + "/log 2>&1")
                            .c_str()),
            0)
      << tiny::read_text(folder + "/log");
  std::vector<std::string> headers;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(include))
    if (entry.path().extension() == ".h")
      headers.push_back(std::filesystem::relative(entry.path(), include).string());
  ASSERT_GT(headers.size(), 100u);

  ThreadPool pool(2);
  std::mutex mutex;
  pool.run(static_cast<int>(headers.size()), [&](int h) {
    const std::string& header = headers[static_cast<std::size_t>(h)];
    const std::string file = folder + "/" + std::to_string(h) + ".cpp", log = file + ".log";
    tiny::write_text(file, "#include <" + header + ">\n#include <" + header + ">\n");
    const int status = std::system(("c++ -std=c++20 -Wall -Wextra -fsyntax-only -I" + include +
                                    " " + file + " > " + log + " 2>&1")
                                       .c_str());
    const std::lock_guard lock(mutex);
    EXPECT_EQ(status, 0) << header << "\n" << tiny::read_text(log);
    const std::string text = tiny::read_text(include + "/" + header);
    EXPECT_EQ(text.find("#include \""), std::string::npos)
        << header << " includes something by its place in the tree";
  });
}

}  // namespace
}  // namespace semwave
