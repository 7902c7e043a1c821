// A chat: what one says, everybody hears. A WebSocket each, and a slow reader who misses what does not fit, so that
// nobody waits for him.
//
//   PORT=8080 build/examples/chat        then, in a browser's console: new WebSocket("ws://127.0.0.1:8080/")
#include <algorithm>
#include <memory>
#include <vector>

#include "stack/guard/serve.hpp"
#include "stack/http/websocket/endpoint.hpp"

using namespace assay;

namespace {

// Of one loop: no lock is needed.
struct room {
  websocket::endpoint door{{.connections = {.messages = {.max_message_bytes = 4096},
                                            .max_queued_bytes = 64 * 1024,
                                            .when_slow = websocket::slow_reader::skip}}};
  std::vector<websocket::connection*> members;
};

// A member for as long as the session runs, also when it ends by an exception.
class membership {
 public:
  membership(room& in, websocket::connection& who) : in_(in), who_(&who) { in_.members.push_back(who_); }
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;
  ~membership() { std::erase(in_.members, who_); }

 private:
  room& in_;
  websocket::connection* who_;
};

task<void> listen_and_tell(std::shared_ptr<room> in, websocket::connection& peer) {
  const membership here(*in, peer);
  while (true) {
    const result<websocket::message> said = co_await peer.receive();
    if (!said) co_return;
    for (websocket::connection* each : in->members) std::ignore = each->try_send(said->kind, said->payload);
  }
}

task<http::response> enter(std::shared_ptr<room> in, http::request& asked) {
  co_return in->door.accept(
      asked, [in] ASSAY_CORO_WRAPPER(websocket::connection & peer) { return listen_and_tell(in, peer); });
}

}  // namespace

int main() {
  return guard::serve([](guard::chain::service_loop&) -> guard::served {
    const auto in = std::make_shared<room>();
    return {.handler = [in] ASSAY_CORO_WRAPPER(http::request & asked) { return enter(in, asked); }};
  });
}
