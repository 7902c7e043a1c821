// The tests start processes, so this program must be able to become their keeper.
#include <gtest/gtest.h>

#include "lab/subject/keeper.hpp"

int main(int argc, char** argv) {
  if (const auto status = assay::subject::run_keeper_if_asked(argc, argv)) return *status;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
