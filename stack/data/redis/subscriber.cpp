#include "stack/data/redis/subscriber.hpp"

#include <algorithm>
#include <array>
#include <cassert>

#include "stack/runtime/delay.hpp"

namespace assay::data::redis {
namespace {

struct words_of_kind {
  std::string_view subscribe;
  std::string_view unsubscribe;
  std::string_view message;
};
constexpr std::array kinds{
    words_of_kind{"subscribe", "unsubscribe", "message"},
    words_of_kind{"psubscribe", "punsubscribe", "pmessage"},
    words_of_kind{"ssubscribe", "sunsubscribe", "smessage"},
};

const words_of_kind& words(channel_kind kind) { return kinds.at(static_cast<std::size_t>(kind)); }

template <class T>
task<result<T>> receive_from(channel<T>& from) {
  co_return co_await from.receive();
}

bool is_text(const reply& part) { return part.kind == reply_kind::text || part.kind == reply_kind::status; }

// "message", channel, payload; a pattern's has the pattern before the channel. Nothing when it is no message.
std::optional<event> as_message(std::vector<reply>& parts) {
  const auto kind = std::ranges::find(kinds, parts.front().text, &words_of_kind::message);
  if (kind == kinds.end()) return std::nullopt;
  const auto of = static_cast<channel_kind>(kind - kinds.begin());
  const std::size_t expected = of == channel_kind::pattern ? 4 : 3;
  if (parts.size() != expected || !std::ranges::all_of(parts, is_text)) return std::nullopt;
  event made{.of = of};
  made.payload = std::move(parts.back().text);
  made.channel = std::move(parts[parts.size() - 2].text);
  if (of == channel_kind::pattern) made.pattern = std::move(parts[1].text);
  return made;
}

std::size_t bytes_of(const event& of) { return of.channel.size() + of.pattern.size() + of.payload.size(); }

}  // namespace

subscriber::subscriber(subscriber_options options)
    : options_(std::move(options)),
      target_(target::parse(options_.url)),
      random_(options_.seed ? *options_.seed : std::random_device{}()) {
  options_.max_queued = std::max<std::size_t>(options_.max_queued, 1);
}

subscriber::~subscriber() { assert(running_ == nullptr && "close() a subscriber and join its run() before it goes"); }

// --- the connection --------------------------------------------------------------------------------------------------

task<result<void>> subscriber::run() {
  assert(running_ == nullptr && "run() once");
  const context& ctx = co_await this_context();
  cancel_scope stopping(*ctx.cancel);
  context inner = ctx;
  inner.cancel = running_ = &stopping;
  if (!target_) end(target_.error());
  co_await with_context(inner, listen());
  running_ = nullptr;
  end({.code = errc::closed, .what = "subscriber"});
  if (over_->code != errc::closed) co_return std::unexpected(*over_);
  co_return result<void>{};
}

void subscriber::close() { end({.code = errc::closed, .what = "subscriber"}); }

// Nothing more is queued; the first reason stays.
void subscriber::end(error why) {
  if (is_over()) return;
  over_ = why;
  bell_.close();
  room_.close();
  for (auto& [of, each] : wishes_) settle(each, std::unexpected(from_wait(why)));
  if (running_ != nullptr) running_->cancel(cancel_reason::user);
}

// At least half of a limit that doubles with each loss, so that subscribers which lost one server do not come back
// together.
duration subscriber::next_pause() {
  backoff_ = std::clamp(backoff_ * 2, options_.backoff_min, options_.backoff_max);
  return duration(std::uniform_int_distribution<duration::rep>(backoff_.count() / 2, backoff_.count())(random_));
}

task<void> subscriber::listen() {
  const context& ctx = co_await this_context();
  while (!is_over() && !ctx.cancel->cancelled()) {
    const instant limit = saturating_add(ctx.on->turn_time(), options_.connect_timeout);
    auto opened = co_await with_deadline(limit, connection::open(*target_, options_.connection, options_.resolver));
    if (opened) {
      counters_.connects++;
      on_ = *opened;
      co_await serve(**opened);
      on_ = nullptr;
      co_await (*opened)->stop();
      on_loss();
    } else {
      counters_.connect_failures++;
      last_failure_ = std::move(opened.error());
    }
    const result<void> paused = co_await delay_for(next_pause());
    if (!paused) co_return;
  }
}

task<void> subscriber::serve(connection& on) {
  const context& ctx = co_await this_context();
  on.take_over();
  for (const auto& [of, each] : wishes_) send(false, of);
  on_confirmed();
  instant heard = ctx.on->turn_time();
  bool asked = false;
  while (!is_over()) {
    const duration patience = asked ? options_.connection.reply_timeout : options_.ping_interval;
    const instant limit = saturating_add(heard, patience);
    redis_result<reply> got = co_await on.next(limit);
    if (got) {
      if (!co_await take(std::move(*got))) co_return;
      asked = false;
    } else {
      const bool silent =
          got.error().code == errc::timed_out && got.error().reason == cancel_reason::deadline && limit <= ctx.deadline;
      last_failure_ = std::move(got.error());
      if (!silent || asked) co_return;
      batch ping;
      ping.add("PING");
      counters_.pings++;
      if (!on.post(ping)) co_return;
      asked = true;
    }
    heard = ctx.on->turn_time();
  }
}

void subscriber::send(bool leaving, const key& of) {
  batch command;
  command.add(leaving ? words(of.first).unsubscribe : words(of.first).subscribe, of.second);
  due_.push_back({.leaving = leaving, .of = of});
  // What cannot be sent is a connection that has failed; the next one is told everything anew.
  std::ignore = on_->post(command);
}

void subscriber::on_loss() {
  if (!is_over()) counters_.losses++;
  due_.clear();
  for (auto& [of, each] : wishes_) gap_due_ = std::exchange(each.in_effect, false) || gap_due_;
}

// All that is wanted is in effect.
void subscriber::on_confirmed() {
  if (!due_.empty()) return;
  backoff_ = duration::zero();
  if (std::exchange(gap_due_, false)) add_gap(0, true);
}

// --- what comes ------------------------------------------------------------------------------------------------------

// False when the connection is of no use any more.
task<bool> subscriber::take(reply said) {
  if (said.is_error()) co_return co_await take_refusal(said);
  if (said.kind == reply_kind::status) co_return true;  // PONG
  std::vector<reply>& parts = said.elements;
  const bool news = said.kind == reply_kind::push || said.kind == reply_kind::array;
  if (!news || parts.empty() || !is_text(parts.front())) co_return false;
  if (std::optional<event> message = as_message(parts)) {
    counters_.messages++;
    co_return co_await deliver(std::move(*message));
  }
  if (parts.size() == 3 && is_text(parts[1])) co_return confirm(parts[0].text, parts[1].text);
  co_return true;  // PONG in RESP2, or news of another kind
}

// Confirmations come in the order of the commands; any other means that both sides no longer agree, as when the server
// has thrown us out of a channel whose slot has moved.
bool subscriber::confirm(std::string_view word, const std::string& name) {
  if (due_.empty()) return false;
  const due first = std::move(due_.front());
  due_.pop_front();
  const words_of_kind& expected = words(first.of.first);
  if (first.of.second != name || word != (first.leaving ? expected.unsubscribe : expected.subscribe)) return false;
  const auto wanted = wishes_.find(first.of);
  if (!first.leaving && wanted != wishes_.end()) {
    wanted->second.in_effect = true;
    settle(wanted->second, {});
  }
  on_confirmed();
  return true;
}

// An error reply is the answer to the oldest command without one.
task<bool> subscriber::take_refusal(const reply& said) {
  last_failure_ = from_reply(said.text, "subscribe");
  if (due_.empty()) co_return false;
  const due first = std::move(due_.front());
  due_.pop_front();
  const auto wanted = wishes_.find(first.of);
  if (first.leaving || wanted == wishes_.end()) co_return !first.leaving;
  const bool told = !wanted->second.waiting.empty();
  settle(wanted->second, std::unexpected(*last_failure_));
  wishes_.erase(wanted);
  on_confirmed();
  if (told) co_return true;
  co_return co_await deliver(
      {.kind = event::kind_type::ended, .of = first.of.first, .channel = first.of.second, .payload = said.text});
}

// --- the queue -------------------------------------------------------------------------------------------------------

bool subscriber::full(std::size_t bytes) const {
  return messages_ >= options_.max_queued || (messages_ > 0 && bytes_ + bytes > options_.max_queued_bytes);
}

task<bool> subscriber::deliver(event added) {
  const std::size_t bytes = bytes_of(added);
  while (full(bytes) && options_.when_slow == slow_consumer::wait) {
    const result<char> taken = co_await room_.receive();
    if (!taken) co_return false;
  }
  if (full(bytes) && !make_room(bytes)) co_return !is_over();
  messages_++;
  bytes_ += bytes;
  queue_.push_back(std::move(added));
  char ring = 0;
  bell_.try_send(ring);
  co_return true;
}

// False when the message is not to be queued.
bool subscriber::make_room(std::size_t bytes) {
  if (options_.when_slow == slow_consumer::fail) {
    end({.code = errc::limit, .what = "the subscriber's queue is full"});
    return false;
  }
  if (options_.when_slow == slow_consumer::drop_newest) {
    counters_.dropped++;
    add_gap(1, false);
    return false;
  }
  while (full(bytes)) {
    const event oldest = std::move(queue_.front());
    queue_.pop_front();
    if (oldest.kind == event::kind_type::gap) {
      front_gap_.dropped += oldest.dropped;
      front_gap_.reconnected = front_gap_.reconnected || oldest.reconnected;
      continue;
    }
    messages_--;
    bytes_ -= bytes_of(oldest);
    front_gap_.dropped++;
    counters_.dropped++;
  }
  return true;
}

// Behind all that is queued. Two beside each other are one, so that there are never more than messages.
void subscriber::add_gap(std::uint64_t dropped, bool reconnected) {
  if (queue_.empty() || queue_.back().kind != event::kind_type::gap) {
    queue_.push_back({.kind = event::kind_type::gap});
  }
  queue_.back().dropped += dropped;
  queue_.back().reconnected = queue_.back().reconnected || reconnected;
  char ring = 0;
  bell_.try_send(ring);
}

std::optional<event> subscriber::take_front() {
  if (front_gap_.dropped > 0 || front_gap_.reconnected) {
    return std::exchange(front_gap_, event{.kind = event::kind_type::gap});
  }
  if (queue_.empty()) return std::nullopt;
  event first = std::move(queue_.front());
  queue_.pop_front();
  if (first.kind != event::kind_type::gap) {
    messages_--;
    bytes_ -= bytes_of(first);
  }
  char taken = 0;
  room_.try_send(taken);
  return first;
}

task<result<event>> subscriber::receive() {
  while (true) {
    if (std::optional<event> next = take_front()) co_return std::move(*next);
    if (is_over()) co_return std::unexpected(*over_);
    const result<char> rung = co_await bell_.receive();
    if (!rung && !is_over()) co_return std::unexpected(rung.error());
  }
}

// --- subscriptions ---------------------------------------------------------------------------------------------------

void subscriber::settle(wish& of, const redis_result<void>& outcome) {
  for (answer* each : std::exchange(of.waiting, {})) {
    redis_result<void> told = outcome;
    each->try_send(told);
  }
}

task<redis_result<void>> subscriber::subscribe(channel_kind kind, std::string name) {
  if (is_over()) co_return std::unexpected(from_wait(*over_));
  if (name.empty() || name.size() > options_.max_channel_bytes) {
    co_return std::unexpected(from_wait({.code = errc::invalid_argument, .what = "the name of a channel"}));
  }
  const key of(kind, std::move(name));
  auto known = wishes_.find(of);
  if (known != wishes_.end() && known->second.in_effect) co_return redis_result<void>{};
  if (known == wishes_.end()) {
    if (wishes_.size() >= options_.max_channels || due_.size() >= options_.max_channels) {
      co_return std::unexpected(from_wait({.code = errc::limit, .what = "too many channels"}));
    }
    known = wishes_.emplace(of, wish{}).first;
    if (on_ != nullptr) send(false, of);
  }
  answer mine(1);
  known->second.waiting.push_back(&mine);
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), options_.subscribe_timeout);
  result<redis_result<void>> said = co_await with_deadline(limit, receive_from(mine));
  if (said) co_return std::move(*said);
  withdraw(of, &mine);
  redis_error failure = from_wait(said.error());
  if (said.error().code == errc::timed_out && limit <= ctx.deadline) {
    failure.condition = redis_condition::unavailable;
    if (on_ == nullptr && last_failure_) failure.message = last_failure_->message;
  }
  co_return std::unexpected(std::move(failure));
}

// Who asked for it has given up.
void subscriber::withdraw(const key& of, const answer* gone) {
  const auto found = wishes_.find(of);
  if (found == wishes_.end()) return;
  std::erase(found->second.waiting, gone);
  if (found->second.in_effect || !found->second.waiting.empty()) return;
  wishes_.erase(found);
  if (on_ != nullptr) send(true, of);
}

result<void> subscriber::unsubscribe(channel_kind kind, const std::string& name) {
  const auto found = wishes_.find(key(kind, name));
  if (found == wishes_.end()) return {};
  if (due_.size() >= options_.max_channels) {
    return std::unexpected(error{.code = errc::limit, .what = "too many confirmations are due"});
  }
  settle(found->second,
         std::unexpected(from_wait({.code = errc::cancelled, .reason = cancel_reason::user, .what = "unsubscribed"})));
  const key of = found->first;
  wishes_.erase(found);
  if (on_ != nullptr) send(true, of);
  return {};
}

}  // namespace assay::data::redis
