// The commands of `semwave`, a file each. Each adds its options to the program and returns what to
// do when it is chosen: a function that gives the exit status. An Error that leaves one means that
// the command line or the scenario is wrong (status 2).
#pragma once

#include <functional>

#include <CLI/CLI.hpp>

namespace semwave {

using Command = std::function<int()>;

Command add_run(CLI::App& program);
Command add_link(CLI::App& program);
Command add_train(CLI::App& program);
Command add_validate(CLI::App& program);
Command add_calibrate(CLI::App& program);
Command add_table(CLI::App& program);
Command add_list(CLI::App& program);
Command add_schema(CLI::App& program);
Command add_budget(CLI::App& program);
Command add_compare(CLI::App& program);
Command add_devices(CLI::App& program);
Command add_transmit(CLI::App& program);
Command add_receive(CLI::App& program);
Command add_keys(CLI::App& program);

}  // namespace semwave
