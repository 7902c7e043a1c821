#include "stack/data/redis/connection.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "stack/net/address.hpp"
#include "stack/net/connect.hpp"
#include "stack/net/resolver.hpp"
#include "stack/runtime/delay.hpp"

namespace assay::data::redis {

// One who waits for an answer; lives in its own frame.
struct connection::caller {
  std::vector<reply> replies;
  bool done = false;
  turn* waiting = nullptr;
};

// Waits until another caller has read our answer, has failed, or leaves the reading to us.
struct connection::turn : assay::detail::wait_guard, ready_node, list_node {
  turn(connection& c, caller& w) : wait_guard(&on_give_up), ready_node(&on_ready), of(c), who(w) {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> self) noexcept {
    context& ctx = *self.promise().ctx;
    if (!admit(ctx)) return false;
    suspended = self;
    who.waiting = this;
    of.turns_.push_back(*this);
    arm(ctx, ctx.deadline, "an answer of Redis");
    return true;
  }
  result<void> await_resume() const {
    if (gave_up()) return std::unexpected(failure("wait for Redis"));
    return {};
  }
  void wake() noexcept {
    list_node::unlink();
    who.waiting = nullptr;
    disarm();
    of.on_.schedule(*this);
  }

  static void on_ready(ready_node& node) noexcept {
    const auto& self = static_cast<turn&>(node);
    self.resume(self.suspended);
  }
  static void on_give_up(wait_guard& guard) noexcept { static_cast<turn&>(guard).wake(); }

  connection& of;
  caller& who;
  std::coroutine_handle<> suspended;
};

connection::connection(loop& on, net::stream opened, const connection_limits& limits)
    : on_(on),
      limits_(limits),
      stream_(std::move(opened)),
      writer_(on, stream_,
              [this] {
                // After a reset the receiving side ends by itself, and perhaps with the reason.
                if (writer_.failure()->code != errc::reset) {
                  fail(unavailable(writer_.failure()->code, "", "send to Redis"));
                }
              }),
      reader_(limits.reply),
      last_used_(on.turn_time()) {}

connection::~connection() {
  assert(users_ == 0 && !flush_.queued && "a connection was destroyed with callers waiting on it");
}

void connection::flush::on_ready(ready_node& node) noexcept {
  connection& self = *static_cast<flush&>(node).of;
  self.writer_.kick(saturating_add(self.last_used_, self.limits_.reply_timeout));
}

// --- one call --------------------------------------------------------------------------------------------------------

std::optional<redis_error> connection::refusal(const context& ctx, const batch& commands) {
  if (failure_) return failure_;
  if (commands.size() == 0 || commands.size() > limits_.max_commands) {
    return from_wait({.code = errc::invalid_argument, .what = "no command, or too many for one call"});
  }
  if (ctx.cancel->cancelled()) {
    return from_wait({.code = errc::cancelled, .reason = ctx.cancel->reason(), .what = "before it was sent"});
  }
  if (ctx.deadline <= on_.turn_time()) {  // what nobody waits for any more is not sent
    return from_wait({.code = errc::timed_out, .reason = cancel_reason::deadline, .what = "before it was sent"});
  }
  if (full() || writer_.pending_bytes() + commands.bytes().size() > limits_.max_unsent_bytes) {
    redis_error refused = from_wait({.code = errc::limit, .what = "too much is on its way to Redis"});
    refused.condition = redis_condition::overloaded;
    return refused;
  }
  return std::nullopt;
}

task<redis_result<std::vector<reply>>> connection::exchange(const batch& commands, permit place) {
  const context& ctx = co_await this_context();
  if (std::optional<redis_error> refused = refusal(ctx, commands)) co_return std::unexpected(std::move(*refused));
  caller mine;
  last_used_ = on_.turn_time();
  const instant limit = saturating_add(last_used_, limits_.reply_timeout);
  users_++;
  calls_.push_back({.who = &mine, .due = commands.size(), .sent = last_used_, .place = std::move(place)});
  writer_.append(commands.bytes());
  if (!flush_.queued) on_.schedule(flush_);
  const result<void> waited = co_await with_deadline(limit, answer_to(mine));

  const bool overdue = !waited && waited.error().code == errc::timed_out && limit <= ctx.deadline;
  if (!mine.done) forget(mine);
  if (overdue) fail(unavailable(errc::timed_out, "", "Redis did not answer in time"));
  co_await leave();
  if (mine.done) co_return std::move(mine.replies);
  if (!waited && !overdue) co_return std::unexpected(from_wait(waited.error()));
  co_return std::unexpected(*failure_);
}

// The end of each caller. With the last of them goes what was for callers: bytes that are still being sent, and the
// places of calls that were given up. Nobody reads their answers any more, and who waits for a place will.
task<void> connection::leave() {
  users_--;
  pass_on();
  if (users_ == 0 && flush_.queued) co_await yield();  // behind it
  if (users_ == 0 && writer_.in_flight()) {
    fail(unavailable(errc::closed, "", "given up while it was being sent"));
    co_await writer_.stop();
  }
  if (users_ > 0) co_return;
  for (call& left : calls_) left.place.release();
}

task<redis_result<void>> connection::wait_for_room(instant limit) {
  const context& ctx = co_await this_context();
  users_++;
  redis_result<void> outcome;
  while (outcome && !failure_ && full()) {
    caller mine;
    outside_.push_back(&mine);
    const instant due = saturating_add(calls_.front().sent, limits_.reply_timeout);
    const result<void> waited = co_await with_deadline(std::min(limit, due), answer_to(mine));
    std::erase(outside_, &mine);
    const bool overdue = !waited && waited.error().code == errc::timed_out && due <= std::min(limit, ctx.deadline);
    if (overdue) fail(unavailable(errc::timed_out, "", "Redis did not answer in time"));
    if (!waited && !overdue) outcome = std::unexpected(from_wait(waited.error()));
  }
  co_await leave();
  co_return outcome;
}

// Until the answer is whole or the connection has failed; a failure is that of the wait.
task<result<void>> connection::answer_to(caller& mine) {
  while (!mine.done && !failure_) {
    if (reading_) {
      const result<void> waited = co_await turn(*this, mine);
      if (!waited && !mine.done) co_return waited;
      continue;
    }
    reading_ = true;
    const result<void> received = co_await receive();
    reading_ = false;
    if (!received) co_return received;
  }
  co_return result<void>{};
}

// Somebody else has to receive now, if anybody waits.
void connection::pass_on() {
  if (!reading_ && !turns_.empty()) turns_.front().wake();
}

// Its answer will be read and thrown away.
void connection::forget(const caller& gone) {
  const auto found = std::ranges::find(calls_, &gone, &call::who);
  if (found != calls_.end()) found->who = nullptr;
}

// --- receiving -------------------------------------------------------------------------------------------------------

namespace {

task<result<net::chunk>> receive_some(net::stream& from) { co_return co_await from.recv(); }

}  // namespace

// What is here, or comes next. A failure is that of the wait, and has lost nothing; the connection's is in failure_.
task<result<void>> connection::receive() {
  const context& ctx = co_await this_context();
  cancel_scope receiving(*ctx.cancel);
  context inner = ctx;
  inner.cancel = receiving_ = &receiving;
  const result<net::chunk> some = co_await with_context(inner, receive_some(stream_));
  receiving_ = nullptr;
  if (failure_) co_return result<void>{};
  if (!some && some.error().reason != cancel_reason::none) co_return std::unexpected(some.error());
  if (!some) {
    fail(unavailable(some.error().code, "", "receive from Redis"));
  } else if (some->empty()) {
    fail(unavailable(errc::closed, "", "Redis closed the connection"));
  } else {
    take(some->bytes());
  }
  co_return result<void>{};
}

void connection::take(std::string_view bytes) {
  while (!bytes.empty() && !failure_) {
    auto next = reader_.read(bytes);
    if (!next) return fail(unavailable(errc::protocol, describe(next.error()), "not a reply"));
    if (*next) on_reply(std::move(**next));
  }
}

void connection::on_reply(reply said) {
  if (exclusive_) {
    ready_.push_back(std::move(said));
    return;
  }
  if (said.kind == reply_kind::push) return;  // news that no call here asked for
  if (calls_.empty()) return fail(unavailable(errc::protocol, said.text, "a reply that nobody asked for"));
  call& first = calls_.front();
  if (first.who != nullptr) first.who->replies.push_back(std::move(said));
  if (--first.due > 0) return;
  caller* const who = first.who;
  calls_.pop_front();
  if (who != nullptr) tell(*who);
  if (outside_.empty()) return;
  caller* const next = outside_.front();
  outside_.erase(outside_.begin());
  tell(*next);
}

void connection::tell(caller& done) {
  done.done = true;
  if (done.waiting != nullptr) done.waiting->wake();
}

// Ends the connection for everybody on it; the first reason stays.
void connection::fail(redis_error why) {
  if (failure_) return;
  failure_ = std::move(why);
  calls_.clear();
  if (receiving_ != nullptr) receiving_->cancel(cancel_reason::user);
  writer_.give_up(cancel_reason::user);
  while (!turns_.empty()) turns_.front().wake();
}

bool connection::check(instant now) {
  if (failure_) return false;
  if (calls_.empty()) {
    if (stream_.has_received()) fail(unavailable(errc::closed, "", "Redis closed an idle connection, or spoke on it"));
  } else if (saturating_add(calls_.front().sent, limits_.reply_timeout) < now) {
    fail(unavailable(errc::timed_out, "", "Redis did not answer in time"));
  }
  return !failure_;
}

// --- for one owner ---------------------------------------------------------------------------------------------------

bool connection::post(const batch& commands) {
  if (writer_.pending_bytes() + commands.bytes().size() > limits_.max_unsent_bytes) {
    fail(unavailable(errc::limit, "", "more than max_unsent_bytes is on its way to Redis"));
  }
  if (failure_) return false;
  writer_.append(commands.bytes());
  writer_.kick(saturating_add(on_.turn_time(), limits_.reply_timeout));
  return !failure_;
}

task<redis_result<reply>> connection::next(instant limit) {
  assert(exclusive_ && "take_over() first");
  while (ready_.empty()) {
    if (failure_) co_return std::unexpected(*failure_);
    const result<void> received = co_await with_deadline(limit, receive());
    if (!received) co_return std::unexpected(from_wait(received.error()));
  }
  reply first = std::move(ready_.front());
  ready_.pop_front();
  co_return first;
}

task<void> connection::stop() {
  fail(unavailable(errc::closed, "", "it was stopped"));
  co_await writer_.stop();
}

// --- connecting ------------------------------------------------------------------------------------------------------

namespace {

task<redis_result<std::vector<socket_address>>> find_addresses(const target& to, offload_pool* resolver) {
  if (const result<socket_address> numeric = net::parse_address(to.host, to.port)) {
    co_return std::vector<socket_address>{*numeric};
  }
  result<std::vector<socket_address>> found =
      co_await net::resolve(resolver != nullptr ? *resolver : net::default_resolver(), to.host, to.port);
  if (!found && found.error().reason != cancel_reason::none) co_return std::unexpected(from_wait(found.error()));
  if (!found) co_return std::unexpected(unavailable(found.error().code, to.host, "resolve"));
  co_return std::move(*found);
}

}  // namespace

// A command that has to succeed.
task<redis_result<void>> connection::must(const batch& one, const char* what) {
  redis_result<std::vector<reply>> said = co_await exchange(one, {});
  if (!said) co_return std::unexpected(std::move(said.error()));
  if (said->front().is_error()) co_return std::unexpected(from_reply(said->front().text, what));
  co_return redis_result<void>{};
}

task<redis_result<void>> connection::greet(const target& to) {
  batch hello;
  if (to.password.empty()) {
    hello.add("HELLO", 3);
  } else {
    const std::string_view user = to.user.empty() ? std::string_view("default") : to.user;
    hello.add("HELLO", 3, "AUTH", user, to.password);
  }
  redis_result<void> greeted = co_await must(hello, "HELLO");
  const bool no_hello = !greeted && (greeted.error().condition == redis_condition::invalid_command ||
                                     greeted.error().code_word() == "NOPROTO");
  if (no_hello) {  // before Redis 6, and some that stand in for it: RESP2
    greeted = redis_result<void>{};
    batch auth;
    if (!to.user.empty()) {
      auth.add("AUTH", to.user, to.password);
    } else {
      auth.add("AUTH", to.password);
    }
    if (!to.password.empty()) greeted = co_await must(auth, "AUTH");
  }
  if (!greeted || to.database == 0) co_return greeted;
  batch select;
  select.add("SELECT", to.database);
  co_return co_await must(select, "SELECT");
}

task<redis_result<std::shared_ptr<connection>>> connection::open(const target& to, const connection_limits& limits,
                                                                 offload_pool* resolver) {
  const context& ctx = co_await this_context();
  const redis_result<std::vector<socket_address>> at = co_await find_addresses(to, resolver);
  if (!at) co_return std::unexpected(at.error());
  result<net::stream> opened = co_await net::connect_any(at->front(), std::span(*at).subspan(1));
  if (!opened && opened.error().reason != cancel_reason::none) co_return std::unexpected(from_wait(opened.error()));
  if (!opened) co_return std::unexpected(unavailable(opened.error().code, "", "connect to Redis"));
  auto made = std::make_shared<connection>(*ctx.on, std::move(*opened), limits);
  redis_result<void> greeted = co_await made->greet(to);
  if (!greeted) co_return std::unexpected(std::move(greeted.error()));
  co_return made;
}

}  // namespace assay::data::redis
