// semwave keys: a small private authority and the certificates of nodes.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/commands.h"
#include "core/base/text.h"
#include "node/net/authority.h"

namespace semwave {
namespace {

struct KeysOptions {
  std::string folder;
  std::vector<std::string> receivers, transmitters;
  int days = 825;
};

int run_keys(const KeysOptions& options) {
  std::vector<Certified> nodes;
  for (const std::string& name : options.receivers)
    nodes.push_back({name, NodeRole::receiver, options.days});
  for (const std::string& name : options.transmitters)
    nodes.push_back({name, NodeRole::transmitter, options.days});
  if (nodes.empty())
    nodes = {{"receiver", NodeRole::receiver, options.days},
             {"transmitter", NodeRole::transmitter, options.days}};
  for (const std::string& file : make_keys(options.folder, nodes))
    fmt::print("{}\n", printable(file));
  fmt::print(
      "# to each machine: authority.pem and its own NAME.pem, NAME.key; authority.key stays "
      "here\n");
  return 0;
}

}  // namespace

Command add_keys(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("keys", "a small private authority and certificates for nodes");
  auto options = std::make_shared<KeysOptions>();
  command
      ->add_option("folder", options->folder, "folder to make, or one with an authority to add to")
      ->required()
      ->type_name("DIR");
  command
      ->add_option("--receiver", options->receivers,
                   "a receiver's certificate; may be repeated (default: receiver)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      ->add_option("--transmitter", options->transmitters,
                   "a transmitter's certificate; may be repeated (default: transmitter)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command->add_option("--days", options->days, "how long they are valid")
      ->check(CLI::Range(1, 3650))
      ->type_name("N");
  command->footer(
      "Example: semwave keys keys --receiver edge --transmitter camera1 --transmitter camera2");
  return [options] { return run_keys(*options); };
}

}  // namespace semwave
