// Runs the built program as a user does: arguments in; status, standard output and standard error
// out.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "tests/experiment/tiny_world.h"

namespace semwave::program {

inline const std::string binary = std::string(SEMWAVE_BINARY_DIR) + "/semwave";

struct Outcome {
  int status = -1;  // exit status; 128 + signal where one killed it
  std::string out, err;
};

/// Started with its outputs in files below `folder`; wait() collects it.
class Running {
 public:
  /// `out`: where standard output goes instead, "" where it is closed.
  Running(const std::vector<std::string>& arguments, std::string folder,
          const std::optional<std::string>& out = {})
      : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    pid_ = fork();
    if (pid_ != 0) return;
    for (const auto& [file, name] : {std::pair{STDOUT_FILENO, out.value_or(folder_ + "/stdout")},
                                     std::pair{STDERR_FILENO, folder_ + "/stderr"}}) {
      if (name.empty())
        close(file);
      else
        dup2(open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), file);
    }
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    std::vector<char*> words{const_cast<char*>(binary.c_str())};
    for (const std::string& argument : arguments)
      words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    execv(binary.c_str(), words.data());
    _exit(126);
  }
  void signal(int number) const {
    if (!ended_) kill(pid_, number);
  }
  bool ended() {
    if (!ended_) ended_ = waitpid(pid_, &raw_, WNOHANG) == pid_;
    return ended_;
  }
  Outcome wait() {
    if (!ended_) waitpid(pid_, &raw_, 0);
    ended_ = true;
    return {WIFSIGNALED(raw_) ? 128 + WTERMSIG(raw_) : WEXITSTATUS(raw_),
            tiny::read_text(folder_ + "/stdout"), tiny::read_text(folder_ + "/stderr")};
  }

 private:
  std::string folder_;
  pid_t pid_ = -1;
  int raw_ = 0;
  bool ended_ = false;
};

inline Outcome run(const std::vector<std::string>& arguments) {
  return Running(arguments, fresh_folder("streams")).wait();
}

inline bool has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

/// What is said behind "semwave: " where standard output is a full disk.
inline const std::string no_space = "standard output is lost: No space left on device\n";

}  // namespace semwave::program
