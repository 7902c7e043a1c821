// Our client before a server that tries it: opens one WebSocket after the other, and echoes on each until it is closed.
//
//   websocket_echo_client PORT TARGET SESSIONS plain|fresh|kept
//
// "{}" in TARGET becomes the session's number, from 1 on. What becomes of a session is for the server to judge; the
// first that cannot be opened at all ends the program, with 1 and the reason. Else it says how many there were.
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "stack/http/websocket/client.hpp"
#include "stack/net/address.hpp"
#include "tests/integration/websocket_echo.hpp"

using namespace assay;

namespace {

std::string target_of(std::string_view pattern, unsigned session) {
  std::string target(pattern);
  constexpr std::string_view place = "{}";
  if (const std::size_t at = target.find(place); at != std::string::npos) {
    target.replace(at, place.size(), std::to_string(session));
  }
  return target;
}

task<result<void>> visit(std::uint16_t port, std::string_view pattern, unsigned sessions, std::string_view mode) {
  const http::origin server{.host = "127.0.0.1", .address = net::parse_address("127.0.0.1", port).value()};
  for (unsigned session = 1; session <= sessions; ++session) {
    const result<void> opened = co_await websocket::connect(
        server, {.target = target_of(pattern, session), .connections = websocket::testing::large_settings_of(mode)},
        websocket::testing::echo_all);
    if (!opened) co_return std::unexpected(opened.error());
  }
  co_return result<void>{};
}

template <class Number>
bool read(std::string_view text, Number& into) {
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), into);
  return failed == std::errc() && end == text.data() + text.size();
}

}  // namespace

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  unsigned sessions = 0;
  if (argc != 5 || !read(argv[1], port) || !read(argv[3], sessions)) {
    std::fputs("usage: websocket_echo_client PORT TARGET SESSIONS plain|fresh|kept\n", stderr);
    return 2;
  }
  result<std::unique_ptr<io>> backend = make_io();
  if (!backend) return 4;
  loop on(std::move(*backend));
  const result<void> visited = on.run(visit(port, argv[2], sessions, argv[4]));
  const std::string said = visited ? std::to_string(sessions) + " sessions" : describe(visited.error());
  std::puts(said.c_str());
  return visited ? 0 : 1;
}
