#include "stack/testing/fake_redis.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <optional>
#include <set>
#include <utility>

#include "stack/data/redis/reply_reader.hpp"
#include "stack/net/address.hpp"
#include "stack/net/stream.hpp"
#include "stack/runtime/delay.hpp"
#include "stack/runtime/scope.hpp"
#include "stack/testing/resp_wire.hpp"

namespace assay::testing {
namespace {

using data::redis::channel_kind;
using data::redis::reply;
using data::redis::reply_kind;

constexpr std::size_t max_unsent_replies = 10'000;  // of a connection; a test that leaves more unread is wrong

struct subscription_words {
  std::string_view subscribe;
  std::string_view unsubscribe;
  const char* confirmed;  // as the server says it
  const char* ended;
  const char* message;
};
constexpr std::array subscriptions{
    subscription_words{"SUBSCRIBE", "UNSUBSCRIBE", "subscribe", "unsubscribe", "message"},
    subscription_words{"PSUBSCRIBE", "PUNSUBSCRIBE", "psubscribe", "punsubscribe", "pmessage"},
    subscription_words{"SSUBSCRIBE", "SUNSUBSCRIBE", "ssubscribe", "sunsubscribe", "smessage"},
};

std::string upper(std::string_view word) {
  std::string made(word);
  std::ranges::transform(made, made.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return made;
}

// How a command is known: names of commands have no case.
std::string spelled(std::string_view command) {
  const std::size_t end = std::min(command.find(' '), command.size());
  return upper(command.substr(0, end)) + std::string(command.substr(end));
}

reply text_of(std::string_view text) { return {.kind = reply_kind::text, .text = std::string(text)}; }

reply push_of(std::vector<reply> elements) { return {.kind = reply_kind::push, .elements = std::move(elements)}; }

}  // namespace

redis_reply redis_nothing() { return {}; }
redis_reply redis_text(std::string text) { return {.value = {.kind = reply_kind::text, .text = std::move(text)}}; }
redis_reply redis_status(std::string word) { return {.value = {.kind = reply_kind::status, .text = std::move(word)}}; }
redis_reply redis_integer(std::int64_t number) { return {.value = {.kind = reply_kind::integer, .integer = number}}; }
redis_reply redis_list(std::vector<reply> elements) {
  return {.value = {.kind = reply_kind::array, .elements = std::move(elements)}};
}
redis_reply redis_fails(std::string code_and_message) {
  return {.value = {.kind = reply_kind::error, .text = std::move(code_and_message)}};
}

struct fake_redis::visitor {
  explicit visitor(net::stream opened) : stream(std::move(opened)) {}

  void say(const reply& said) { say_bytes(detail::resp_bytes(said, resp3)); }
  void say_bytes(std::string bytes) {
    if (silent) return;
    const bool fits = outgoing.try_send(bytes);
    assert(fits && "nobody reads what is said here");
    std::ignore = fits;
  }

  net::stream stream;
  channel<std::string> outgoing{max_unsent_replies};
  bool resp3 = false;
  bool silent = false;                             // it hangs, or is about to close
  std::optional<std::vector<redis_words>> queued;  // since MULTI
  std::array<std::set<std::string, std::less<>>, subscriptions.size()> subscribed;
};

fake_redis::fake_redis(std::uint16_t port) : port_(port) {}
fake_redis::~fake_redis() { assert(visitors_.empty() && "serve() goes on"); }

std::string fake_redis::url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

// --- what the test says ----------------------------------------------------------------------------------------------

void fake_redis::on(std::string_view command, redis_reply with) {
  on(command, [with = std::move(with)](const redis_words&) { return with; });
}

void fake_redis::on(std::string_view command, answerer with) { known_[spelled(command)] = std::move(with); }

std::size_t fake_redis::publish(std::string_view channel, std::string_view payload, channel_kind of) {
  std::size_t told = 0;
  const auto kind = static_cast<std::size_t>(of);
  for (const auto& each : visitors_) {
    if (each->subscribed.at(kind).contains(channel)) {
      each->say(push_of({text_of(subscriptions.at(kind).message), text_of(channel), text_of(payload)}));
      told++;
    }
    if (of != channel_kind::plain) continue;
    constexpr auto pattern_kind = static_cast<std::size_t>(channel_kind::pattern);
    for (const std::string& pattern : each->subscribed.at(pattern_kind)) {
      if (::fnmatch(pattern.c_str(), std::string(channel).c_str(), 0) != 0) continue;
      each->say(push_of({text_of("pmessage"), text_of(pattern), text_of(channel), text_of(payload)}));
      told++;
    }
  }
  return told;
}

void fake_redis::say(std::string_view bytes) {
  for (const auto& each : visitors_) each->say_bytes(std::string(bytes));
}

// --- the door --------------------------------------------------------------------------------------------------------

void fake_redis::tell_of_the_door() {
  char moved = 0;
  std::ignore = moved_.try_send(moved);
}

task<void> fake_redis::go_away() {
  assert(door_ != nullptr && "it is away already, or does not serve");
  while (moved_.try_receive()) {
  }
  door_->cancel(cancel_reason::shutdown);
  std::ignore = co_await moved_.receive();
}

task<void> fake_redis::come_back() {
  while (moved_.try_receive()) {
  }
  char again = 0;
  std::ignore = opens_.try_send(again);
  std::ignore = co_await moved_.receive();
}

// Lets visitors in until it is to go away; all of them have left then.
task<void> fake_redis::let_in(fake_redis* self, io* network) {
  result<net::listener> from = net::listener::open(*network, *net::parse_address("127.0.0.1", self->port_));
  assert(from && "the port is taken");
  scope serving(co_await this_context());
  self->tell_of_the_door();
  while (true) {
    result<net::stream> peer = co_await from->accept();
    if (!peer) break;
    self->visitors_.push_back(std::make_unique<visitor>(std::move(*peer)));
    const bool served = serving.spawn(serve_one(self, self->visitors_.back().get()));
    if (!served) self->visitors_.pop_back();  // it goes away
  }
  from->close();
  serving.cancel(cancel_reason::shutdown);
  std::ignore = co_await serving.join();  // none of them fails
}

task<void> fake_redis::serve(io& network) {
  context& ctx = co_await this_context();
  while (true) {
    cancel_scope open(*ctx.cancel);
    context inside = ctx;
    inside.cancel = door_ = &open;
    co_await with_context(inside, let_in(this, &network));
    door_ = nullptr;
    tell_of_the_door();
    const result<char> again = co_await opens_.receive();
    if (!again) co_return;  // cancelled: the test is over
  }
}

// --- a connection ----------------------------------------------------------------------------------------------------

task<void> fake_redis::serve_one(fake_redis* self, visitor* each) {
  scope sending(co_await this_context());
  sending.spawn(send(each));
  co_await receive(self, each);
  each->silent = true;
  each->outgoing.close();  // what was said before is sent
  std::ignore = co_await sending.join();
  each->stream.close();
  std::erase_if(self->visitors_, [each](const auto& other) { return other.get() == each; });
}

task<void> fake_redis::send(visitor* to) {
  while (true) {
    const result<std::string> next = co_await to->outgoing.receive();
    if (!next) co_return;
    const result<void> sent = co_await to->stream.send_all(*next);
    if (!sent) co_return;
  }
}

task<void> fake_redis::receive(fake_redis* self, visitor* from) {
  data::redis::reply_reader reader;  // commands are lists of texts
  while (true) {
    result<net::chunk> some = co_await from->stream.recv();
    if (!some || some->empty()) co_return;
    const std::string copy(some->bytes());
    some->release();
    std::string_view unread = copy;
    while (!unread.empty()) {
      const auto next = reader.read(unread);
      if (!next) co_return;
      if (!*next) break;
      redis_words asked;
      for (const reply& word : (*next)->elements) asked.push_back(word.text);
      const bool goes_on = asked.empty() || co_await obey(self, from, std::move(asked));
      if (!goes_on) co_return;
    }
  }
}

// False when the connection is to end.
task<bool> fake_redis::obey(fake_redis* self, visitor* from, redis_words asked) {
  if (upper(asked[0]) != "HELLO") self->asked_.push_back(asked);
  if (from->silent) co_return true;
  const redis_reply said = self->answer_to(*from, asked);
  if (said.takes > duration::zero()) {
    const result<void> taken = co_await delay_for(said.takes);
    if (!taken) co_return false;
  }
  switch (said.what) {
    case redis_reply::kind::value:
      from->say(said.value);
      break;
    case redis_reply::kind::hangs:
      from->silent = true;
      break;
    case redis_reply::kind::closes:
      co_return false;
    case redis_reply::kind::garbage:
      from->say_bytes("HTTP/1.1 200 OK\r\n\r\n");
      break;
  }
  co_return true;
}

// --- answers ---------------------------------------------------------------------------------------------------------

const fake_redis::answerer* fake_redis::find(const redis_words& asked) const {
  std::string whole = upper(asked[0]);
  const std::string name = whole;
  for (std::size_t at = 1; at < asked.size(); ++at) whole += " " + asked[at];
  auto found = known_.find(whole);
  if (found == known_.end()) found = known_.find(name);
  return found == known_.end() || !found->second ? nullptr : &found->second;
}

redis_reply fake_redis::answer_to(visitor& from, const redis_words& asked) {
  const std::string name = upper(asked[0]);
  if (from.queued && name != "EXEC" && name != "DISCARD") {
    from.queued->push_back(asked);
    return redis_status("QUEUED");
  }
  const answerer* const scripted = find(asked);
  if (scripted == nullptr) return usual_answer(from, name, asked);
  if (name == "EXEC" || name == "DISCARD") from.queued.reset();
  return (*scripted)(asked);
}

redis_reply fake_redis::usual_answer(visitor& from, const std::string& name, const redis_words& asked) {
  if (name == "HELLO") {
    from.resp3 = true;
    return {.value = {.kind = reply_kind::map, .elements = {text_of("server"), text_of("fake_redis")}}};
  }
  if (name == "MULTI") from.queued.emplace();
  if (name == "DISCARD") from.queued.reset();
  if (name == "MULTI" || name == "DISCARD" || name == "AUTH" || name == "SELECT") return redis_status("OK");
  if (name == "EXEC") return from.queued ? execute(from) : redis_fails("ERR EXEC without MULTI");
  if (name == "PING" && asked.size() == 1) return redis_status("PONG");
  if ((name == "PING" || name == "ECHO") && asked.size() == 2) return redis_text(asked[1]);
  if ((name == "PUBLISH" || name == "SPUBLISH") && asked.size() == 3) {
    const channel_kind of = name == "PUBLISH" ? channel_kind::plain : channel_kind::sharded;
    return redis_integer(static_cast<std::int64_t>(publish(asked[1], asked[2], of)));
  }
  if (name.ends_with("SUBSCRIBE") && asked.size() > 1) return subscribe(from, name, asked);
  std::string whole = asked[0];
  for (std::size_t at = 1; at < asked.size(); ++at) whole += " " + asked[at];
  constexpr std::size_t most = 512;  // an error is one line
  whole.resize(std::min(whole.size(), most));
  std::ranges::replace_if(whole, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return redis_fails("ERR fake_redis has no answer to: " + whole);
}

// All that was queued, now. A mishap of one of them is one of the whole.
redis_reply fake_redis::execute(visitor& from) {
  const std::vector<redis_words> queued = *std::exchange(from.queued, std::nullopt);
  redis_reply all = redis_list({});
  for (const redis_words& each : queued) {
    redis_reply one = answer_to(from, each);
    if (one.what != redis_reply::kind::value) return one;
    all.takes += one.takes;
    all.value.elements.push_back(std::move(one.value));
  }
  return all;
}

// A confirmation for each channel, of which the last is the answer.
redis_reply fake_redis::subscribe(visitor& from, const std::string& name, const redis_words& asked) {
  const auto kind = std::ranges::find_if(subscriptions, [&name](const subscription_words& each) {
    return each.subscribe == name || each.unsubscribe == name;
  });
  if (kind == subscriptions.end()) return redis_fails("ERR unknown command");
  auto& channels = from.subscribed.at(static_cast<std::size_t>(kind - subscriptions.begin()));
  const bool leaves = kind->unsubscribe == name;
  reply confirmation;
  for (std::size_t at = 1; at < asked.size(); ++at) {
    if (at > 1) from.say(confirmation);
    if (leaves) {
      channels.erase(asked[at]);
    } else {
      channels.insert(asked[at]);
    }
    const auto count = static_cast<std::int64_t>(channels.size());
    confirmation = push_of({text_of(leaves ? kind->ended : kind->confirmed),
                            text_of(asked[at]),
                            {.kind = reply_kind::integer, .integer = count}});
  }
  return {.value = std::move(confirmation)};
}

}  // namespace assay::testing
