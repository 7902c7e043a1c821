// A Redis that knows the answers of a test, on a simulated network: for services that have a data::redis::pool or a
// data::redis::subscriber.
//
//   testing::fake_redis cache;
//   cache.on("GET price:7", testing::redis_text("450"));
//   cache.on("INCR", testing::redis_fails("WRONGTYPE not a number"));            // whatever its key is
//   cache.on("GET price:8", {.what = testing::redis_reply::kind::hangs});
//   serving.spawn(cache.serve(world.network()));
//   data::redis::pool prices({.url = cache.url()});
//   ...
//   cache.publish("prices", "7 is 460 now");                                    // to who has subscribed
//
// It speaks the wire protocol over simulated streams, so that all of it happens in virtual time: pool and subscriber
// are the real ones. A command is known whole, its words set off by single spaces, or else by its name alone. MULTI and
// EXEC, subscriptions, PUBLISH, PING, ECHO, HELLO, AUTH and SELECT are understood, unless the test says otherwise of
// them; whatever else is not known is an error reply with its text.
//
// Misuse: as a model of Redis. It keeps no key: what a command does is a matter for the real server. One that goes
// before serve() has ended.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stack/data/redis/reply.hpp"
#include "stack/data/redis/subscriber.hpp"
#include "stack/runtime/io.hpp"

namespace assay::testing {

// A command: its name and what follows.
using redis_words = std::vector<std::string>;

struct redis_reply {
  enum class kind : std::uint8_t {
    value,
    hangs,    // says nothing more on this connection
    closes,   // the connection ends instead
    garbage,  // bytes that are no reply
  };
  kind what = kind::value;
  data::redis::reply value = {};
  duration takes = duration::zero();  // and so does whatever this connection has asked behind it
};

redis_reply redis_nothing();  // there is no such key
redis_reply redis_text(std::string text);
redis_reply redis_status(std::string word);
redis_reply redis_integer(std::int64_t number);
redis_reply redis_list(std::vector<data::redis::reply> elements);
redis_reply redis_fails(std::string code_and_message);

class fake_redis {
 public:
  using answerer = std::function<redis_reply(const redis_words& asked)>;

  explicit fake_redis(std::uint16_t port = 6379);
  ~fake_redis();
  fake_redis(const fake_redis&) = delete;
  fake_redis& operator=(const fake_redis&) = delete;

  // For data::redis::pool_options and subscriber_options.
  std::string url() const;
  // Serves on `network` until it is cancelled.
  task<void> serve(io& network);

  // The last said of a command holds; an empty answerer takes it back.
  void on(std::string_view command, redis_reply with);
  void on(std::string_view command, answerer with);
  // Everything that was asked for, in order, but for HELLO.
  const std::vector<redis_words>& asked() const { return asked_; }
  // Connections that there are.
  std::size_t visitors() const { return visitors_.size(); }

  // How many were told.
  std::size_t publish(std::string_view channel, std::string_view payload,
                      data::redis::channel_kind of = data::redis::channel_kind::plain);
  // Out of turn, on each connection: bytes of any kind.
  void say(std::string_view bytes);
  // Ends every connection and lets nobody in, and does so no longer.
  task<void> go_away();
  task<void> come_back();

 private:
  struct visitor;

  static task<void> let_in(fake_redis* self, io* network);
  static task<void> receive(fake_redis* self, visitor* from);
  static task<void> send(visitor* to);
  static task<void> serve_one(fake_redis* self, visitor* each);
  static task<bool> obey(fake_redis* self, visitor* from, redis_words asked);
  redis_reply answer_to(visitor& from, const redis_words& asked);
  redis_reply usual_answer(visitor& from, const std::string& name, const redis_words& asked);
  redis_reply execute(visitor& from);
  redis_reply subscribe(visitor& from, const std::string& name, const redis_words& asked);
  const answerer* find(const redis_words& asked) const;
  void tell_of_the_door();

  std::uint16_t port_;
  std::map<std::string, answerer, std::less<>> known_;
  std::vector<redis_words> asked_;
  std::vector<std::unique_ptr<visitor>> visitors_;
  cancel_scope* door_ = nullptr;  // while somebody is let in
  channel<char> opens_{1};
  channel<char> moved_{1};  // the door has
};

}  // namespace assay::testing
