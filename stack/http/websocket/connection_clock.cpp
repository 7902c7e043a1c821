// When what is due on a connection: the peer's answer to our Close, the rest of a message, a sign of life, a message.
#include <algorithm>

#include "stack/http/websocket/connection.hpp"

namespace assay::websocket {

duration connection::clock() const { return listening_ ? now() - clock_zero_ : listened_; }

void connection::mark_message(bool in_progress) {
  if (!in_progress) {
    message_began_.reset();
  } else if (!message_began_) {
    message_began_ = clock();
  }
}

// Does what is due, and says when to look again.
instant connection::act_on_time() {
  if (message_began_ && now() >= due(*message_began_ + limits().message_timeout)) {
    close(close_code::policy_violation, "the message did not arrive in time");
  } else if (now() >= due(active_at_ + limits().idle_timeout)) {
    close(close_code::going_away, "idle");
  } else if (pinged_at_ && now() >= due(*pinged_at_ + limits().pong_timeout)) {
    end({.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "no answer to a ping"});
  }
  if (close_sent_ && now() >= close_deadline_) {
    end({.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "no answer to a Close"});
  }
  if (closing()) return close_deadline_;
  if (!pinged_at_ && now() >= due(heard_at_ + limits().ping_interval)) {
    pinged_at_ = clock();
    counters_.pinged++;
    append({.what = opcode::ping}, {});
  }
  instant next = due(pinged_at_ ? *pinged_at_ + limits().pong_timeout : heard_at_ + limits().ping_interval);
  next = std::min(next, due(active_at_ + limits().idle_timeout));
  if (message_began_) next = std::min(next, due(*message_began_ + limits().message_timeout));
  return next;
}

}  // namespace assay::websocket
