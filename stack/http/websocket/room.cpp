#include "stack/http/websocket/room.hpp"

#include <algorithm>
#include <utility>

#include "stack/runtime/precondition.hpp"

namespace assay::websocket {

// For as long as the session runs, also when it ends by an exception.
class room::membership {
 public:
  membership(room& in, connection& who) : in_(in), who_(&who) { in_.members_.push_back(who_); }
  membership(const membership&) = delete;
  membership& operator=(const membership&) = delete;
  ~membership() { std::erase(in_.members_, who_); }

 private:
  room& in_;
  connection* who_;
};

room::room(room_options options, hearer heard)
    : max_members_(options.max_members), door_(std::move(options.door)), heard_(std::move(heard)) {}

room::~room() { ASSAY_PRECONDITION(members_.empty(), "a room stays until its members have left"); }

http::response room::enter(const http::request& asked) {
  if (members_.size() >= max_members_) return http::response::unavailable("room_full");
  return door_.accept(asked, [this] ASSAY_CORO_WRAPPER(connection & peer) { return stay(this, peer); });
}

task<void> room::stay(room* in, connection& peer) {
  const membership here(*in, peer);
  while (true) {
    const result<message> said = co_await peer.receive();
    if (!said) co_return;
    if (in->heard_) in->heard_(*said);
  }
}

std::size_t room::tell(message_kind kind, std::string_view payload) {
  return static_cast<std::size_t>(
      std::ranges::count_if(members_, [&](connection* each) { return each->try_send(kind, payload).has_value(); }));
}

}  // namespace assay::websocket
