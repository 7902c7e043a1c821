// A user's program that does wrong what its first argument says. It is compiled as its users compile theirs: with
// -DNDEBUG, in a Release build.
#include <string_view>
#include <tuple>
#include <utility>

#include "stack/guard/shed/policy.hpp"
#include "stack/runtime/task.hpp"
#include "stack/testing/virtual_world.hpp"

#ifndef NDEBUG
#error "this is to be a program without assert"
#endif

using namespace assay;

namespace {

task<int> number() { co_return 1; }

task<int> awaits_twice() {
  task<int> once = number();
  std::ignore = co_await std::move(once);
  co_return co_await std::move(once);
}

}  // namespace

int main(int, char** arguments) {
  const std::string_view what = arguments[1];
  if (what == "a task awaited twice") return testing::virtual_world().run(awaits_twice());
  if (what == "options that nobody has checked") std::ignore = guard::shed::policy({.max_in_flight = 0});
  return 0;
}
