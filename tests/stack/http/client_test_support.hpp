// A scripted raw server and a client of it in virtual time.
//
//   world stage;
//   stage.server.scripts = {{read_request(), sends("HTTP/1.1 200 OK\r\n"), waits(1s), closes()}};
//   const std::vector<outcome> got = stage.exchange({{.target = "/"}});
//
// Connection number n follows scripts[n], all further ones the last script. At the end of its script a connection
// stays open until the client leaves. Every run ends with the proof that no socket, lent buffer or frame is left.
//
// Misuse: reading the server's record before exchange() or run() has returned.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "stack/http/client.hpp"
#include "stack/net/address.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/runtime/sim_io.hpp"

namespace assay::http::client_test {

inline constexpr std::uint16_t port = 8080;

struct action {
  enum class kind : std::uint8_t { read_request, read_until, send, drip, flood, answer, wait, close, again };
  using answerer = std::string (*)(const std::string& request);
  kind what = kind::close;
  std::string bytes = {};
  duration span{};
  std::size_t count = 0;
  answerer answer = nullptr;
};

inline action read_request() { return {.what = action::kind::read_request}; }
// A request whose last bytes these are, however it is framed.
inline action read_until(std::string bytes) { return {.what = action::kind::read_until, .bytes = std::move(bytes)}; }
inline action sends(std::string bytes) { return {.what = action::kind::send, .bytes = std::move(bytes)}; }
// One byte, a pause, one byte, ...
inline action drips(std::string bytes, duration pause) {
  return {.what = action::kind::drip, .bytes = std::move(bytes), .span = pause};
}
inline action floods(std::string bytes, std::size_t times) {
  return {.what = action::kind::flood, .bytes = std::move(bytes), .count = times};
}
inline action answers(action::answerer with) { return {.what = action::kind::answer, .answer = with}; }
inline action waits(duration span) { return {.what = action::kind::wait, .span = span}; }
inline action closes() { return {.what = action::kind::close}; }
inline action again() { return {.what = action::kind::again}; }

using script = std::vector<action>;

inline std::string ok(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

class scripted_server {
 public:
  struct seen_request {
    std::string text;  // head and body
    std::size_t connection = 0;
  };

  std::vector<script> scripts;
  std::vector<seen_request> requests;
  std::size_t accepted = 0;
  std::size_t open = 0;
  std::size_t most_open = 0;
  std::size_t sent_bytes = 0;

  task<void> accept_all(sim_io& network, socket_address at) {
    result<net::listener> door = net::listener::open(network, at);
    scope peers(co_await this_context());
    while (true) {
      result<net::stream> peer = co_await door->accept();
      if (!peer) break;
      most_open = std::max(most_open, ++open);
      peers.spawn(serve(std::move(*peer), accepted++));
    }
    std::ignore = co_await peers.join();
  }

 private:
  struct peer_state {
    net::stream stream;
    std::size_t number;
    std::string unread = {};
  };

  task<void> serve(net::stream stream, std::size_t number) {
    peer_state peer{.stream = std::move(stream), .number = number};
    const script& steps = scripts[std::min(number, scripts.size() - 1)];
    bool goes_on = true;
    for (std::size_t at = 0; goes_on && at < steps.size(); ++at) {
      if (steps[at].what == action::kind::again) at = 0;
      if (steps[at].what == action::kind::close) {
        goes_on = false;
      } else {
        goes_on = co_await perform(steps[at], peer);
      }
    }
    while (goes_on) goes_on = co_await receive(peer);
    open--;
  }

  task<bool> perform(const action& step, peer_state& peer) {
    switch (step.what) {
      case action::kind::read_request:
        co_return co_await next_request(peer);
      case action::kind::read_until:
        co_return co_await request_until(peer, step.bytes);
      case action::kind::send:
        co_return co_await send(peer, step.bytes);
      case action::kind::answer:
        co_return co_await send(peer, step.answer(requests.back().text));
      case action::kind::wait:
        co_return (co_await delay_for(step.span)).has_value();
      case action::kind::flood:
        for (std::size_t sent = 0; sent < step.count; ++sent) {
          if (!co_await send(peer, step.bytes)) co_return false;
        }
        co_return true;
      case action::kind::drip:
        for (const char& byte : step.bytes) {
          if (!co_await send(peer, {&byte, 1}) || !co_await delay_for(step.span)) co_return false;
        }
        co_return true;
      case action::kind::close:
      case action::kind::again:
        break;
    }
    co_return false;
  }

  task<bool> send(peer_state& peer, std::string_view bytes) {
    const result<void> sent = co_await peer.stream.send_all(bytes);
    if (sent) sent_bytes += bytes.size();
    co_return sent.has_value();
  }

  task<bool> receive(peer_state& peer) {
    const result<net::chunk> some = co_await peer.stream.recv();
    if (!some || some->empty()) co_return false;
    peer.unread.append(some->bytes());
    co_return true;
  }

  task<bool> request_until(peer_state& peer, std::string_view last) {
    std::size_t at = std::string::npos;
    while ((at = peer.unread.find(last)) == std::string::npos) {
      if (!co_await receive(peer)) co_return false;
    }
    requests.push_back({peer.unread.substr(0, at + last.size()), peer.number});
    peer.unread.erase(0, at + last.size());
    co_return true;
  }

  // Trusts the client to frame its requests with Content-Length.
  task<bool> next_request(peer_state& peer) {
    std::size_t head_bytes = std::string::npos;
    while ((head_bytes = peer.unread.find("\r\n\r\n")) == std::string::npos) {
      if (!co_await receive(peer)) co_return false;
    }
    std::size_t total_bytes = head_bytes + 4;
    const std::size_t length_at = peer.unread.find("Content-Length: ");
    if (length_at < head_bytes) {
      std::size_t body_bytes = 0;
      std::from_chars(peer.unread.data() + length_at + 16, peer.unread.data() + head_bytes, body_bytes);
      total_bytes += body_bytes;
    }
    while (peer.unread.size() < total_bytes) {
      if (!co_await receive(peer)) co_return false;
    }
    requests.push_back({peer.unread.substr(0, total_bytes), peer.number});
    peer.unread.erase(0, total_bytes);
    co_return true;
  }
};

struct outcome {
  result<client_response> got = std::unexpected(error{.code = errc::system, .what = "never sent"});
  duration took{};
  duration ended{};  // since the beginning of the run

  int status() const { return got ? got->status : 0; }
  std::string body() const { return got ? got->body : "failed: " + describe(got.error()); }
  std::string_view failure() const { return got ? "none" : label(got.error().code); }
};

class world {
 public:
  explicit world(const sim_options& options = {}) : world(std::make_unique<sim_io>(options)) {}

  scripted_server server;
  client_limits limits;
  bool listening = true;

  sim_io& network() { return network_; }
  loop& on() { return on_; }
  client& http() { return *http_; }
  const client_counters& counters() const { return counters_; }

  // Runs `main` while the server serves, lets the client go, and checks that nothing has stayed behind.
  void run(task<void> main) {
    on_.run(staged(this, std::move(main)));
    counters_ = http_->counters();
    http_.reset();
    EXPECT_EQ(network_.open_sockets(), 0U);
    EXPECT_EQ(network_.lent_buffers(), 0U);
    EXPECT_EQ(assay::detail::live_frames(), 0U);
  }

  // One request after the other, with a pause between them.
  std::vector<outcome> exchange(std::vector<client_request> requests, duration pause = {}) {
    std::vector<outcome> outcomes(requests.size());
    run(one_by_one(this, &requests, &outcomes, pause));
    return outcomes;
  }
  // All of them at once.
  std::vector<outcome> exchange_together(std::vector<client_request> requests) {
    std::vector<outcome> outcomes(requests.size());
    run(together(this, &requests, &outcomes));
    return outcomes;
  }

  static task<void> send(world* self, client_request request, outcome* into) {
    const instant start = self->network_.now();
    into->got = co_await self->http_->send(std::move(request));
    into->took = self->network_.now() - start;
    into->ended = self->network_.now() - self->began_;
  }

 private:
  explicit world(std::unique_ptr<sim_io> network) : network_(*network), on_(std::move(network)) {
    limits.connect_timeout = std::chrono::seconds(3);
    limits.write_timeout = std::chrono::seconds(5);
    limits.response_timeout = std::chrono::seconds(20);
    limits.head_timeout = std::chrono::seconds(7);
    limits.body_timeout = std::chrono::seconds(11);
  }

  static task<void> staged(world* self, task<void> main) {
    const socket_address at = *net::parse_address("127.0.0.1", port);
    self->http_ = std::make_unique<client>(origin{.host = "shop.test", .address = at}, self->limits);
    self->began_ = self->network_.now();
    scope servers(co_await this_context());
    if (self->listening) servers.spawn(self->server.accept_all(self->network_, at));
    co_await std::move(main);
    servers.cancel(cancel_reason::shutdown);
    std::ignore = co_await servers.join();
  }
  static task<void> one_by_one(world* self, std::vector<client_request>* requests, std::vector<outcome>* into,
                               duration pause) {
    for (std::size_t index = 0; index < requests->size(); ++index) {
      if (index > 0) std::ignore = co_await delay_for(pause);
      co_await send(self, (*requests)[index], &(*into)[index]);
    }
  }
  static task<void> together(world* self, std::vector<client_request>* requests, std::vector<outcome>* into) {
    scope senders(co_await this_context());
    for (std::size_t index = 0; index < requests->size(); ++index) {
      senders.spawn(send(self, (*requests)[index], &(*into)[index]));
    }
    std::ignore = co_await senders.join();
  }

  sim_io& network_;
  loop on_;
  std::unique_ptr<client> http_;
  client_counters counters_;
  instant began_;
};

// The name of a row of a table, for GoogleTest.
struct named {
  template <class Info>
  std::string operator()(const Info& info) const {
    return info.param.name;
  }
};

}  // namespace assay::http::client_test
