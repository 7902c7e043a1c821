// A chat: what one says, everybody hears. A WebSocket each, and a slow reader who misses what does not fit, so that
// nobody waits for him.
//
//   PORT=8080 build/examples/chat        then, in a browser's console: new WebSocket("ws://127.0.0.1:8080/")
#include <memory>

#include "stack/guard/serve.hpp"
#include "stack/http/websocket/room.hpp"

using namespace assay;

namespace {

// Of one loop: no lock is needed.
struct chat {
  websocket::room everybody{{.door = {.connections = {.messages = {.max_message_bytes = 4096},
                                                      .max_queued_bytes = 64 * 1024,
                                                      .when_slow = websocket::slow_reader::skip}}},
                            [this](const websocket::message& said) { everybody.tell(said.kind, said.payload); }};
};

task<http::response> enter(std::shared_ptr<chat> in, http::request& asked) { co_return in->everybody.enter(asked); }

}  // namespace

int main() {
  return guard::serve([](guard::chain::service_loop&) -> guard::served {
    const auto in = std::make_shared<chat>();
    return {.handler = [in] ASSAY_CORO_WRAPPER(http::request & asked) { return enter(in, asked); }, .keeps = in};
  });
}
