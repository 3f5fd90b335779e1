#include "apps/semwave_main.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "apps/commands.h"
#include "apps/output.h"
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/config/json.h"

namespace semwave {
namespace {

constexpr int failed = 1, wrong = 2;

int complain(const std::string& what, int status) {
  fmt::print(stderr, "semwave: {}\n", printable(what));
  return status;
}

/// Names of options, "--out" among them, of the command that was being read.
std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

/// A mistake in the command line, in one line with what was probably meant.
int explain(const CLI::App& program, const CLI::ParseError& mistake,
            const std::vector<std::string>& arguments) {
  const auto chosen = program.get_subcommands();
  const CLI::App& command = chosen.empty() ? program : *chosen.front();
  const std::string name = chosen.empty() ? "semwave" : "semwave " + command.get_name();
  std::string text = mistake.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&mistake) != nullptr) {
    const std::vector<std::string> known = option_names(command);
    for (const std::string& argument : arguments) {
      const std::string option = argument.substr(0, argument.find('='));
      if (!option.starts_with("--") || std::find(known.begin(), known.end(), option) != known.end())
        continue;
      const std::string near = nearest(option, known);
      text = "unknown option " + option + (near.empty() ? "" : "; did you mean " + near + "?");
      break;
    }
  }
  return complain(text + " (see " + name + " --help)", wrong);
}

/// "help run" is "run --help", "help" alone is "--help".
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) return {"--help"};
  if (words[0] != "help") return words;
  words.resize(std::min<std::size_t>(words.size(), 2));
  words.erase(words.begin());
  words.push_back("--help");
  return words;
}

int run_program(int argc, char** argv) {
  CLI::App program("Sends images over simulated noisy links and counts what each answer costs.",
                   "semwave");
  program.set_version_flag("--version", std::string("semwave ") + SEMWAVE_VERSION);
  program.footer(
      "Example: semwave run scenarios/quickstart.json --out results/quickstart\nEach command "
      "explains itself: semwave help run");
  const std::vector<std::pair<std::string, Command>> commands{
      {"run", add_run(program)},
      {"link", add_link(program)},
      {"train", add_train(program)},
      {"validate", add_validate(program)},
      {"budget", add_budget(program)},
      {"compare", add_compare(program)},
      {"calibrate", add_calibrate(program)},
      {"table", add_table(program)},
      {"transmit", add_transmit(program)},
      {"receive", add_receive(program)},
      {"keys", add_keys(program)},
      {"list", add_list(program)},
      {"schema", add_schema(program)},
      {"devices", add_devices(program)},
  };
  program.require_subcommand(0, 1);
  const std::vector<std::string> words = words_of(argc, argv);
  const std::string& first = words[0];
  std::vector<std::string> names{"help"};
  for (const auto& [name, command] : commands) names.push_back(name);
  if (!first.starts_with("-") && std::find(names.begin(), names.end(), first) == names.end()) {
    const std::string near = nearest(first, names);
    return complain("unknown command '" + first + "'" +
                        (near.empty() ? "" : "; did you mean '" + near + "'?") +
                        " (see semwave --help)",
                    wrong);
  }
  try {
    program.parse(
        std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes them from the back
  } catch (const CLI::Success& asked) {                           // --help, --version
    return program.exit(asked);
  } catch (const CLI::ParseError& mistake) {
    return explain(program, mistake, words);
  }
  for (const auto& [name, command] : commands)
    if (program.got_subcommand(name)) return command();
  return 0;
}

int run_or_complain(int argc, char** argv) {
  try {
    return run_program(argc, argv);
  } catch (const Error& mistake) {
    return complain(mistake.what(), wrong);
  } catch (const std::bad_alloc&) {
    return complain("out of memory; a smaller --shard or fewer --threads need less", failed);
  } catch (const std::system_error& problem) {
    if (output_failed(problem.code())) return failed;  // the reason is told below
    return complain(problem.what(), failed);
  } catch (const std::exception& problem) {
    return complain(problem.what(), failed);
  }
}

}  // namespace

int semwave_main(int argc, char** argv) {
  hold_standard_streams();
  const int status = run_or_complain(argc, argv);

  const std::string lost = output_problem();
  if (lost.empty()) return status;

  complain(lost, failed);
  return status == 0 ? failed : status;
}

}  // namespace semwave
