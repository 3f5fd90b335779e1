// The program `semwave`.
#include "apps/semwave_main.h"

int main(int argc, char** argv) {
  return semwave::semwave_main(argc, argv);
}
