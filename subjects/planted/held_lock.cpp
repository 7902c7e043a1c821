// The loop's thread takes a mutex that another thread holds across slow work. The twin's other thread lets go of it
// while it works.
//
//   PORT=8080 ASSAY_IO=epoll planted_held_lock PORT PEER_PORT fault|clean    with io_uring no call can be named
#include <chrono>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "stack/http/server.hpp"

using namespace assay;

namespace {

constexpr std::chrono::milliseconds works{80};
constexpr std::chrono::milliseconds rests{20};

std::mutex stock_mutex;
unsigned in_stock = 7;

void count_again_and_again(const std::stop_token& stop, bool holds) {
  while (!stop.stop_requested()) {
    std::unique_lock lock(stock_mutex);
    if (!holds) lock.unlock();
    std::this_thread::sleep_for(works);
    if (!holds) lock.lock();
    in_stock = 7;
    lock.unlock();
    std::this_thread::sleep_for(rests);
  }
}

task<http::response> tells(http::request&) {
  const std::scoped_lock lock(stock_mutex);
  co_return http::response::text(std::to_string(in_stock) + " left\n");
}

}  // namespace

int main(int argc, char** argv) {
  const bool fault = argc > 3 && std::string_view(argv[3]) == "fault";
  const std::jthread counts(count_again_and_again, fault);
  return http::serve(tells, {});
}
