// A handler on this project's own stack that sleeps on its loop's thread. The twin has the loop wake it.
//
//   PORT=8080 ASSAY_IO=epoll planted_sleepy PORT PEER_PORT fault|clean    with io_uring no call can be named
#include <chrono>
#include <string_view>
#include <thread>

#include "stack/http/server.hpp"
#include "stack/runtime/delay.hpp"

using namespace assay;

namespace {

constexpr std::chrono::milliseconds late{80};

task<http::response> blocks(http::request&) {
  std::this_thread::sleep_for(late);
  co_return http::response::text("ok\n");
}

task<http::response> waits(http::request&) {
  if (const auto waited = co_await delay_for(late); !waited) co_return http::response::text("cut short\n");
  co_return http::response::text("ok\n");
}

}  // namespace

int main(int argc, char** argv) {
  const bool fault = argc > 3 && std::string_view(argv[3]) == "fault";
  return fault ? http::serve(blocks, {}) : http::serve(waits, {});
}
