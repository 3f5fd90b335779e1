// The tests on a device; without one they say so and are skipped.
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/tensor/backend.h"

namespace {

class Device : public testing::Environment {
 public:
  void SetUp() override {
    try {
      (void)semwave::make_cuda_backend();
    } catch (const semwave::Error& missing) {
      GTEST_SKIP() << missing.what();
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  testing::AddGlobalTestEnvironment(new Device);  // NOLINT: googletest owns it
  return RUN_ALL_TESTS();
}
