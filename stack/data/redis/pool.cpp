#include <algorithm>
#include <cassert>
#include <utility>

#include "stack/data/redis/redis.hpp"
#include "stack/runtime/wait_in_line.hpp"

namespace assay::data::redis {
namespace {

task<result<char>> receive(channel<char>& from) { co_return co_await from.receive(); }

redis_error exhausted(const char* what) {
  return {{.code = errc::limit, .what = what}, redis_condition::pool_exhausted, {}, {}};
}

}  // namespace

pool::pool(pool_options options)
    : options_(std::move(options)),
      target_(target::parse(options_.url)),
      places_(std::max<std::size_t>(options_.max_connections, 1) *
                  std::max<std::size_t>(options_.connection.max_in_flight, 1),
              options_.max_waiters),
      absence_(options_.backoff_min, options_.backoff_max, options_.seed) {
  options_.max_connections = std::max<std::size_t>(options_.max_connections, 1);
  options_.connection.max_in_flight = std::max<std::size_t>(options_.connection.max_in_flight, 1);
}

pool::~pool() {
  assert(opening_ == 0 && std::ranges::all_of(connections_, [](const shared& c) { return c.use_count() == 1; }) &&
         "a pool was destroyed with connections in use");
}

pool_usage pool::usage() const {
  pool_usage now{.open = connections_.size(), .waiting = places_.waiters()};
  for (const shared& each : connections_) now.in_flight += each->in_flight();
  return now;
}

// --- a place and a connection ----------------------------------------------------------------------------------------

task<redis_result<permit>> pool::wait_for_place() {
  permit place = places_.try_acquire();
  if (place) co_return place;
  auto waited = co_await wait_in_line(&places_, options_.wait_timeout, &counters_);
  if (waited) co_return std::move(*waited);
  switch (waited.error().reason) {
    case no_place::why::line_full:
      co_return std::unexpected(exhausted("too many wait for Redis"));
    case no_place::why::none_came_free:
      co_return std::unexpected(exhausted("no place on a Redis connection became free"));
    case no_place::why::gave_up:
      break;
  }
  co_return std::unexpected(from_wait(waited.error().failure));
}

pool::shared pool::least_loaded() const {
  const auto found = std::ranges::min_element(connections_, {}, [](const shared& each) { return each->in_flight(); });
  return found == connections_.end() || (*found)->full() ? nullptr : *found;
}

// Lets go of what is not to be used again. Callers that are on such a connection keep it until they leave.
void pool::sweep(instant now) {
  std::erase_if(connections_, [this, now](const shared& each) {
    const bool usable = each->check(now);
    const bool old = now >= each->expires;
    const bool unused = each->idle() && saturating_add(each->last_used(), options_.idle_timeout) < now;
    if (usable && !old && !unused) return false;
    (!usable ? counters_.closed_broken : old ? counters_.closed_old : counters_.closed_idle)++;
    return true;
  });
}

task<redis_result<pool::shared>> pool::take() {
  if (!target_) co_return std::unexpected(target_.error());
  const loop& on = *(co_await this_context()).on;
  while (true) {
    sweep(on.turn_time());
    shared best = least_loaded();
    const bool may_open = connections_.size() + opening_ < options_.max_connections;
    const bool opens = may_open && (best == nullptr || best->in_flight() >= options_.spread_at);
    if (best != nullptr && (!opens || absence_.refuses(on.turn_time()))) co_return best;
    if (opens) {
      redis_result<shared> opened = co_await connect();
      if (opened || best == nullptr || opened.error().reason != cancel_reason::none) co_return opened;
      continue;  // with those that there are
    }
    // There are fewer callers than places: either one is being opened, or calls that were given up fill them.
    redis_result<void> heard = opening_ > 0 ? co_await wait_for_news() : co_await wait_for_room();
    if (!heard) co_return std::unexpected(std::move(heard.error()));
  }
}

task<redis_result<pool::shared>> pool::connect() {
  const context& ctx = co_await this_context();
  if (absence_.refuses(ctx.on->turn_time())) {
    counters_.refused_while_away++;
    co_return std::unexpected(unavailable(errc::refused, "", "Redis was away a moment ago"));
  }
  const bool probes = absence_.begin_attempt();
  opening_++;
  const instant began = ctx.on->turn_time();
  const instant limit = saturating_add(began, options_.connect_timeout);
  auto opened = co_await with_deadline(limit, connection::open(*target_, options_.connection, options_.resolver));
  opening_--;
  absence_.end_attempt(probes);
  tell_news();
  const instant now = ctx.on->turn_time();
  if (opened) {
    counters_.opened++;
    absence_.on_reached();
    (*opened)->expires = saturating_add(now, absence_.part_of(options_.max_age, 0.9));
    connections_.push_back(*opened);
    co_return opened;
  }
  counters_.open_failures++;
  // A caller who gave up says nothing of the server, unless it had a fair time to answer.
  const bool gave_up = opened.error().reason != cancel_reason::none && now < limit;
  if (!gave_up || now - began >= options_.fair_wait) absence_.on_failed(now);
  if (!gave_up && opened.error().condition == redis_condition::none) {
    opened.error().condition = redis_condition::unavailable;
  }
  co_return opened;
}

// Until an attempt to connect has ended, whichever way. Such an attempt has a limit, and so has this.
task<redis_result<void>> pool::wait_for_news() {
  const context& ctx = co_await this_context();
  const instant limit = saturating_add(ctx.on->turn_time(), options_.connect_timeout);
  listening_++;
  const result<char> heard = co_await with_deadline(limit, receive(news_));
  if (!heard && !(heard.error().code == errc::timed_out && limit <= ctx.deadline)) {
    co_return std::unexpected(from_wait(heard.error()));
  }
  if (!heard) co_return std::unexpected(exhausted("no connection to Redis came to be"));
  co_return redis_result<void>{};
}

// Among the connections that fewest wait for, on the one whose calls have been given up for longest.
task<redis_result<void>> pool::wait_for_room() {
  const context& ctx = co_await this_context();
  const instant began = ctx.on->turn_time();
  const auto order = [](const shared& each) { return std::pair(each->users(), each->last_used()); };
  const shared oldest = *std::ranges::min_element(connections_, {}, order);
  const instant limit = saturating_add(began, options_.wait_timeout);
  counters_.waits++;
  redis_result<void> found = co_await oldest->wait_for_room(limit);
  counters_.waited += ctx.on->turn_time() - began;
  if (!found && found.error().code == errc::timed_out && limit <= ctx.deadline) {
    counters_.wait_timeouts++;
    found = std::unexpected(exhausted("no place on a Redis connection became free"));
  }
  co_return found;
}

void pool::tell_news() {
  // Who has given up meanwhile leaves one behind; then somebody looks once in vain.
  for (std::size_t left = std::exchange(listening_, 0); left > 0; --left) {
    char news = 0;
    if (!news_.try_send(news)) break;
  }
}

// --- commands --------------------------------------------------------------------------------------------------------

// Whether the server answers at all. One that has stopped to is away, and what is open to it is not used again: callers
// that are on such a connection keep it until they leave.
void pool::hear(const redis_result<std::vector<reply>>& got, instant began, instant now) {
  if (got) unanswered_ = 0;
  // A caller who left says nothing of the server: it may have been slow for him alone.
  const bool in_vain = !got && got.error().reason == cancel_reason::deadline && now - began >= options_.fair_wait;
  if (!in_vain || ++unanswered_ < options_.max_unanswered) return;
  unanswered_ = 0;
  absence_.on_failed(now);
  counters_.closed_broken += connections_.size();
  connections_.clear();
}

task<redis_result<std::vector<reply>>> pool::run(batch commands) {
  const loop& here = *(co_await this_context()).on;
  counters_.calls++;
  redis_result<std::vector<reply>> got = std::vector<reply>{};
  redis_result<permit> place = co_await wait_for_place();
  if (!place) {
    got = std::unexpected(std::move(place.error()));
  } else {
    redis_result<shared> on = co_await take();
    if (!on) {
      got = std::unexpected(std::move(on.error()));
    } else {
      const instant began = here.turn_time();
      got = co_await (*on)->exchange(commands, std::move(*place));
      hear(got, began, here.turn_time());
    }
  }
  if (!got) counters_.failures++;
  if (!got && got.error().reason != cancel_reason::none) counters_.abandoned++;
  co_return got;
}

task<redis_result<reply>> pool::run_one(batch one) {
  redis_result<std::vector<reply>> got = co_await run(std::move(one));
  if (!got) co_return std::unexpected(std::move(got.error()));
  if (got->front().is_error()) {
    counters_.error_replies++;
    co_return std::unexpected(from_reply(got->front().text, "command"));
  }
  co_return std::move(got->front());
}

task<redis_result<std::vector<reply>>> pool::atomic(batch commands) {
  const std::size_t count = commands.size();
  batch all;
  all.add("MULTI").append(commands).add("EXEC");
  redis_result<std::vector<reply>> got = co_await run(std::move(all));
  if (!got) co_return got;
  // What was refused on the way says more than EXEC's "previous errors".
  const auto refused = std::ranges::find_if(*got, &reply::is_error);
  if (refused != got->end()) {
    counters_.error_replies++;
    co_return std::unexpected(from_reply(refused->text, "transaction"));
  }
  reply& done = got->back();
  if (done.kind != reply_kind::array || done.elements.size() != count) {
    co_return std::unexpected(unavailable(errc::protocol, "", "EXEC answered with something else"));
  }
  co_return std::move(done.elements);
}

task<result<void>> ping(pool& of) {
  const redis_result<reply> answered = co_await of.command("PING");
  if (!answered) co_return std::unexpected<error>(answered.error());
  co_return result<void>{};
}

task<redis_result<void>> pool::open() {
  redis_result<reply> answered = co_await command("PING");
  if (!answered) co_return std::unexpected(std::move(answered.error()));
  co_return redis_result<void>{};
}

}  // namespace assay::data::redis
