// std::initializer_list in a co_await expression. One compiler rejects it (GCC PR103871), so this file is
// built apart.
#include <initializer_list>
#include <vector>

#include "tests/conformance/task.hpp"

namespace conformance::initializer_lists {
namespace {

task<int> count_elements(std::vector<tracked> given) {
  co_await checkpoint{};
  co_return static_cast<int>(given.size()) * 10 + given.back().value();
}
task<int> sum_list(std::initializer_list<int> given) {
  co_await checkpoint{};
  int total = 0;
  for (const int value : given) total += value;
  co_return total;
}

task<int> list_argument() { co_return co_await sum_list({1, 2, 3}); }
task<int> vector_braced() { co_return co_await count_elements({tracked(1), tracked(2)}); }
task<int> vector_named_type() { co_return co_await count_elements(std::vector<tracked>{tracked(1), tracked(2)}); }

[[maybe_unused]] const bool registered =
    register_family("initializer_list", {
                                            {"list_argument", [] { expect_equal(run(list_argument()), 6); }},
                                            {"vector_braced", [] { expect_equal(run(vector_braced()), 22); }},
                                            {"vector_named_type", [] { expect_equal(run(vector_named_type()), 22); }},
                                        });

}  // namespace
}  // namespace conformance::initializer_lists
