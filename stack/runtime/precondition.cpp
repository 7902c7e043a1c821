#include "stack/runtime/precondition.hpp"

#include <cstdio>
#include <cstdlib>

namespace assay::detail {

void precondition_failed(const char* condition, const char* sentence, const char* file, unsigned line) noexcept {
  std::fprintf(stderr, "%s:%u: assay: %s (does not hold: %s)\n", file, line, sentence, condition);
  std::abort();
}

}  // namespace assay::detail
