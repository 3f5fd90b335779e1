// Every command of `semwave` as one call. A program of a user's own registers its gates first and
// then calls it, see docs/extending/gate.md.
#pragma once

namespace semwave {

/// Reads the command line and runs the command. Returns the exit status: 0 all done; 1 a point
/// failed; 2 the command line or the scenario is wrong; 130 interrupted, what was done is kept.
/// Never throws. Installs handlers for SIGINT and SIGTERM.
int semwave_main(int argc, char** argv);

}  // namespace semwave
