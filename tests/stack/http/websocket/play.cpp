#include "tests/stack/http/websocket/play.hpp"

#include <charconv>

namespace assay::websocket::testing {
namespace {

task<http::response> accept_with(std::shared_ptr<const endpoint> at, session talk, http::request& asked) {
  co_return at->accept(asked, std::move(talk));
}

}  // namespace

std::string opening(std::string_view more_fields) {
  return "GET / HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         std::string(more_fields) + "\r\n";
}

task<void> echo(connection& peer) {
  while (true) {
    const result<message> got = co_await peer.receive();
    if (!got) co_return;
    const result<void> sent = co_await peer.send(got->kind, got->payload);
    if (!sent) co_return;
  }
}

http::handler serving(session talk, const settings& to, std::vector<std::string> protocols) {
  EXPECT_TRUE(check(to)) << check(to).error();
  auto at = std::make_shared<const endpoint>(endpoint_options{.protocols = std::move(protocols), .connections = to});
  return
      [at, talk = std::move(talk)] ASSAY_CORO_WRAPPER(http::request & asked) { return accept_with(at, talk, asked); };
}

http::handler echoing(const settings& to) { return serving(echo, to); }

duration seen::when(std::string_view text) const {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    if (frames[i].starts_with(text)) return arrived[i];
  }
  ADD_FAILURE() << "never received: " << text;
  return duration::min();
}

seen seen_by(const client_record& client) {
  seen got{.ended_after = client.ended_after, .failure = client.failure};
  const std::size_t head_end = client.bytes.find("\r\n\r\n");
  if (head_end == std::string::npos) return got;
  got.head = client.bytes.substr(0, head_end + 4);
  std::from_chars(got.head.data() + 9, got.head.data() + 12, got.status);
  if (got.status != 101) return got;
  got.frames = frames_in(std::string_view(client.bytes).substr(got.head.size()));
  std::string so_far;
  for (const auto& each : client.arrivals) {
    so_far += each.bytes;
    if (so_far.size() < got.head.size()) continue;
    std::vector<std::string> complete = frames_in(std::string_view(so_far).substr(got.head.size()));
    if (!complete.empty() && complete.back() == "cut") complete.pop_back();
    got.arrived.resize(complete.size(), each.at);
  }
  return got;
}

seen play_client(http::handler serve, std::vector<piece> pieces, const sim_options& network) {
  return seen_by(
      play({.serve = std::move(serve), .network = network, .clients = {{.pieces = std::move(pieces)}}}).clients[0]);
}

}  // namespace assay::websocket::testing
