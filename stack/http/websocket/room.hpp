// Everybody who has a WebSocket open to one place: all are told at once, and nobody waits for one who reads slowly.
//
//   websocket::room lobby;                                                    // of one loop
//   task<http::response> enter(office* of, http::request& asked) { co_return of->lobby.enter(asked); }
//   of->lobby.tell("it rains");
//
// What a member says is heard by whoever makes the room; without a `heard` it is received and dropped. For one that
// reads too slowly endpoint_options::connections decides: what does not fit is skipped, or the member is dropped.
//
// Misuse: a room that goes before its members (aborts): give it to what the handler keeps. Telling on two loops; it has
// no lock.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "stack/http/websocket/endpoint.hpp"

namespace assay::websocket {

struct room_options {
  endpoint_options door = {.connections = {.when_slow = slow_reader::skip}};
  std::size_t max_members = 1024;  // who comes then is answered 503
};

class room {
 public:
  // Called for each message of a member's, before the next one is received.
  using hearer = std::function<void(const message&)>;

  explicit room(room_options options = {}, hearer heard = {});
  ~room();
  room(const room&) = delete;
  room& operator=(const room&) = delete;

  // The answer to who wants in: as endpoint::accept(), or 503 when the room is full.
  http::response enter(const http::request& asked);

  // To how many it is on its way; the others read too slowly, or are about to leave.
  std::size_t tell(std::string_view text) { return tell(message_kind::text, text); }
  std::size_t tell(message_kind kind, std::string_view payload);

  std::size_t members() const { return members_.size(); }

 private:
  class membership;
  static task<void> stay(room* in, connection& peer);

  std::size_t max_members_;
  endpoint door_;
  hearer heard_;
  std::vector<connection*> members_;
};

}  // namespace assay::websocket
