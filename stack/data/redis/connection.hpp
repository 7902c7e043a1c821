// One Redis connection on a loop, shared by many callers at a time: the building block of the pool and the subscriber.
//
// Callers append their commands and wait; answers come in the order of the commands. One of those who wait receives for
// all, and hands that on when it has its own answer, so that no task runs in the background and an idle connection
// holds nothing. Whoever stops waiting leaves its call behind: the answer is read and thrown away, by others. When
// there are no others, by whoever comes next, be it for want of room alone; the pool's place is given back at once
// then.
//
// An answer that is overdue (reply_timeout) ends the connection for all: a server that hangs, or a peer that vanished
// without a word, is not waited for again and again. When the last caller leaves while bytes of it are still being
// sent, the connection ends as well, so that it can be destroyed whenever nobody uses it.
//
// Misuse: commands whose answers do not come one for one: SUBSCRIBE and its like (see subscriber.hpp), MONITOR,
// CLIENT REPLY. Commands that change what the others on the connection see, or that wait in the server (WATCH, SELECT,
// BLPOP). Destroying it while anything awaits it (aborts).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "stack/data/redis/batch.hpp"
#include "stack/data/redis/redis_error.hpp"
#include "stack/data/redis/reply_reader.hpp"
#include "stack/data/redis/target.hpp"
#include "stack/net/writer.hpp"
#include "stack/runtime/offload.hpp"
#include "stack/runtime/semaphore.hpp"

namespace assay::data::redis {

struct connection_limits {
  reply_limits reply{};
  std::size_t max_in_flight = 64;                    // calls without their answers, those given up included
  std::size_t max_commands = 1024;                   // of one call
  std::size_t max_unsent_bytes = 64 * 1024 * 1024;   // beyond it a call is refused
  duration reply_timeout = std::chrono::seconds(5);  // from sending to the last byte of the answer
};

class connection {
 public:
  // Connects, and says who we are: HELLO 3, and where that is not known AUTH; SELECT. Ends at the context's deadline. A
  // host name is looked up with `resolver`, by default the process's own; each of its addresses is tried.
  static task<redis_result<std::shared_ptr<connection>>> open(const target& to, const connection_limits& limits,
                                                              offload_pool* resolver);
  connection(loop& on, net::stream opened, const connection_limits& limits);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  // Sends `commands` in one go; their answers, one a command, error replies among them. `place` comes back when the
  // last of them has been read, or when they were given up and nobody is left who would read them.
  task<redis_result<std::vector<reply>>> exchange(const batch& commands, permit place);

  // Until another call would find room, or the connection has failed: those who gave up leave their calls behind, and
  // when nobody waits for an answer, whoever needs room reads theirs. Others may take the room meanwhile: look again.
  task<redis_result<void>> wait_for_room(instant limit);

  // Looks, without waiting, whether it can still be used.
  bool check(instant now);
  bool broken() const { return failure_.has_value(); }
  std::size_t in_flight() const { return calls_.size(); }
  bool full() const { return calls_.size() >= limits_.max_in_flight; }
  std::size_t users() const { return users_; }
  bool idle() const { return users_ == 0 && calls_.empty(); }
  instant last_used() const { return last_used_; }

  // For one owner that has it alone, as a subscriber: from take_over() on, all that comes is for next().
  void take_over() { exclusive_ = true; }
  // Sends without waiting for an answer; false when that is not possible, which ends the connection.
  bool post(const batch& commands);
  // The next reply or push. A wait that ends by `limit` or cancellation loses nothing.
  task<redis_result<reply>> next(instant limit);
  // Before an exclusive connection is destroyed.
  task<void> stop();

  instant expires = never;  // the pool's age limit

 private:
  struct caller;
  struct turn;
  // A call whose answer is due.
  struct call {
    caller* who;  // null: nobody waits for it any more
    std::size_t due = 0;
    instant sent{};
    permit place;
  };
  // Sends what the callers of one turn have appended, in one go.
  struct flush : ready_node {
    explicit flush(connection* self) : ready_node(&on_ready), of(self) {}
    static void on_ready(ready_node& node) noexcept;
    connection* of;
  };

  std::optional<redis_error> refusal(const context& ctx, const batch& commands);
  task<result<void>> answer_to(caller& mine);
  task<result<void>> receive();
  void take(std::string_view bytes);
  void on_reply(reply said);
  void fail(redis_error why);
  task<void> leave();
  void pass_on();
  static void tell(caller& done);
  void forget(const caller& gone);
  task<redis_result<void>> must(const batch& one, const char* what);
  task<redis_result<void>> greet(const target& to);

  loop& on_;
  connection_limits limits_;
  net::stream stream_;
  net::writer writer_;
  flush flush_{this};
  reply_reader reader_;
  std::deque<call> calls_;        // in the order of their answers
  std::vector<caller*> outside_;  // who waits for room, the first in front
  intrusive_list<turn> turns_;
  std::deque<reply> ready_;            // of one receive, for next()
  cancel_scope* receiving_ = nullptr;  // of whoever receives
  bool reading_ = false;               // somebody receives for all
  bool exclusive_ = false;
  std::size_t users_ = 0;  // callers that have not left
  instant last_used_{};
  std::optional<redis_error> failure_;
};

}  // namespace assay::data::redis
