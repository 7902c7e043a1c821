// Both sides of a WebSocket, for peers that are not ours.
//
//   PORT=N websocket_peer                    serves echoes: /plain, /fresh (compressed, no context kept), /kept;
//                                            /large and /large_kept (messages of 16 MiB); and a page for browsers, /,
//                                            whose scripts may open them
//   websocket_peer PORT PATH [fresh|kept]    visits an echo server there, and says "ok" or what went wrong
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stack/http/server.hpp"
#include "stack/http/websocket/client.hpp"
#include "stack/http/websocket/endpoint.hpp"
#include "stack/net/address.hpp"
#include "tests/integration/websocket_echo.hpp"

using namespace assay;
using websocket::testing::echo_all;
using websocket::testing::large_settings_of;
using websocket::testing::settings_of;

namespace {

struct endpoints {
  websocket::endpoint plain{{.protocols = {"echo.v2", "echo.v1"}}};
  websocket::endpoint large{{.connections = large_settings_of("plain")}};
  websocket::endpoint large_kept{{.connections = large_settings_of("kept")}};
  websocket::endpoint fresh{{.connections = settings_of("fresh")}};
  websocket::endpoint kept{{.connections = settings_of("kept")}};
};

task<http::response> answer(std::shared_ptr<const endpoints> at, http::request& asked) {
  if (asked.path() == "/") {
    co_return http::response{.content_type = "text/html; charset=utf-8",
                             .body = "<!doctype html><title>peer</title>\n"};
  }
  if (asked.path() == "/plain") co_return at->plain.accept(asked, echo_all);
  if (asked.path() == "/large") co_return at->large.accept(asked, echo_all);
  if (asked.path() == "/large_kept") co_return at->large_kept.accept(asked, echo_all);
  if (asked.path() == "/fresh") co_return at->fresh.accept(asked, echo_all);
  if (asked.path() == "/kept") co_return at->kept.accept(asked, echo_all);
  co_return http::response::text("no such endpoint\n", 404);
}

int serve() {
  http::serve_options options;
  options.host = "127.0.0.1";
  return http::serve([at = std::make_shared<const endpoints>()] ASSAY_CORO_WRAPPER(http::request &
                                                                                   asked) { return answer(at, asked); },
                     options);
}

// --- visiting ---

std::string patterned(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i % 1000) + " καὶ ";
  text.resize(size);
  while (!websocket::is_utf8(text)) text.pop_back();  // it was cut in the middle of a character
  return text;
}

task<void> visit(std::string* trouble, websocket::connection& server) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65'535U, 65'536U, 900'000U}) {
    for (const auto kind : {websocket::message_kind::text, websocket::message_kind::binary}) {
      const std::string payload = patterned(size);
      const result<void> sent = co_await server.send(kind, payload);
      const result<websocket::message> got = co_await server.receive();
      if (!sent || !got) {
        *trouble = "at " + std::to_string(size) + ": " + describe(sent ? got.error() : sent.error());
        co_return;
      }
      if (got->kind != kind || got->payload != payload) *trouble = "another echo at " + std::to_string(size);
    }
  }
  const result<void> asked = co_await server.send(websocket::message_kind::text, "please close");
  if (!asked) *trouble = describe(asked.error());
  const result<void> ended = co_await server.until_closed();
  const auto& said = server.peer_close();
  if (ended.error().code != errc::closed || !said || said->code != static_cast<websocket::close_code>(4321)) {
    *trouble = "not closed with 4321: " + describe(ended.error());
  }
}

int call(std::uint16_t port, std::string target, std::string_view compression) {
  result<std::unique_ptr<io>> backend = make_io();
  if (!backend) return 4;
  loop on(std::move(*backend));
  std::string trouble;
  const result<void> connected =
      on.run(websocket::connect({.host = "127.0.0.1", .address = net::parse_address("127.0.0.1", port).value()},
                                {.target = std::move(target), .connections = settings_of(compression)},
                                [&trouble, compression] ASSAY_CORO_WRAPPER(websocket::connection & server) {
                                  if (server.compresses() != (compression != "plain"))
                                    trouble = "compression was not agreed on as asked";
                                  return visit(&trouble, server);
                                }));
  if (!connected) trouble = describe(connected.error());
  std::fputs(trouble.empty() ? "ok\n" : (trouble + "\n").c_str(), stdout);
  return trouble.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) return serve();
  std::uint16_t port = 0;
  const auto [end, failed] = std::from_chars(argv[1], argv[1] + std::strlen(argv[1]), port);
  if (argc < 3 || failed != std::errc() || *end != '\0') {
    std::fputs("usage: websocket_peer [PORT PATH [fresh|kept]]\n", stderr);
    return 2;
  }
  return call(port, argv[2], argc > 3 ? argv[3] : "plain");
}
