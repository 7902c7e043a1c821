// The connection of a session, and the requests that it sends there.
#include <chrono>
#include <optional>
#include <utility>

#include "lab/load/redirect.hpp"
#include "lab/load/session_state.hpp"
#include "lab/load/span.hpp"

namespace assay::load {
namespace {

std::int64_t unix_seconds() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(since).count();
}

}  // namespace

task<result<void>> session_generator::open(session& in, instant limit) {
  const instant began = on_.now();
  const instant own_limit = saturating_add(began, plan_.work.timeout);
  result<net::stream> stream = co_await net::connect(to_, std::min(limit, own_limit));
  if (!stream) co_return std::unexpected(stream.error());
  measured_.connects++;
  measured_.connect_time.record(nanoseconds(on_.now() - began));
  in.on = std::make_unique<exchange_connection>(on_, std::move(*stream), plan_.work.checks);
  in.on->limit_requests(plan_.work.per_connection);
  if (plan_.work.follow > 0) in.on->keep_location();
  co_return result<void>{};
}

// Nothing when it is open; else what becomes of the session, and the request is accounted for.
task<std::optional<session_generator::fate>> session_generator::ensure_open(session& in, const arrival& taken,
                                                                            bool again) {
  if (in.on != nullptr && in.on->spoiled()) co_await close(in);
  if (in.on != nullptr) co_return std::nullopt;
  const result<void> opened = co_await open(in);
  if (opened) {
    in.free_since = on_.now();  // connecting is the server's time, not the generator's lateness
    co_return std::nullopt;
  }
  const failure_kind kind = classify_opening(opened.error());
  const bool charged = kind == failure_kind::undrained || opened.error().code == errc::timed_out;
  measured_.not_sent(kind, taken, on_.now(), charged, again);
  live_.errors.fetch_add(1, std::memory_order_relaxed);
  co_return kind == failure_kind::undrained ? fate::cut : fate::abandoned;
}

session_generator::fate session_generator::take_answer(session& in, const session_step& step, const arrival& taken,
                                                       instant sent, answer got) {
  const instant now = on_.now();
  in.answered_at = now;
  for (std::size_t i = 0; i < step.takes.size(); ++i) {
    std::optional<std::string> value = in.reads.value(i);
    if (value) {
      in.variables[step.takes_into[i]] = std::move(*value);
    } else if (!got.failed_check) {
      got.failed_check = failure_kind::check_extract;
    }
  }
  const bool expected = measured_.answered(taken, sent, now, got, now <= end_);
  live_.answers.fetch_add(1, std::memory_order_relaxed);
  if (expected) {
    in.next = coming_.expect(now - start_);  // it may take turns until its think time is drawn
    return fate::goes_on;
  }
  live_.errors.fetch_add(1, std::memory_order_relaxed);
  return fate::abandoned;
}

// fate::again: it met a keep-alive connection that the server had closed meanwhile, and may be sent once more.
task<session_generator::fate> session_generator::attempt(session& in, const session_step& step, const arrival& taken,
                                                         bool again) {
  const instant sent = on_.now();
  const request_source::route& route = plan_.work.requests[taken.route];
  taken.into->departs(sent);
  if (!again) measured_.lags(taken, in.free_since, in.blind_until, sent);
  watch(in, step, in.request.bytes);
  const instant limit = saturating_add(sent, plan_.work.timeout);
  result<answer> got = co_await in.on->exchange(in.request.bytes, route.verb, limit);
  if (got && is_redirect(got->status) && plan_.work.follow > 0) got = co_await follow(in, step, taken, *got, limit);
  if (got) {
    const fate seen = take_answer(in, step, taken, sent, *got);
    if (!in.on->reusable()) co_await close(in);
    co_return seen;
  }
  const instant now = on_.now();
  // Without a connection none could be opened for a redirect.
  const failure_kind kind = in.on == nullptr ? classify_opening(got.error()) : classify(got.error());
  const bool stale = !again && route.may_resend && was_left(in.on.get(), got.error());
  const bool charged = got.error().code == errc::timed_out || kind == failure_kind::undrained;
  if (stale) {
    taken.into->withdrawn(sent, now);
  } else {
    measured_.failed(kind, taken, sent, now, charged);
    live_.errors.fetch_add(1, std::memory_order_relaxed);
  }
  co_await close(in);
  if (stale) co_return fate::again;
  co_return kind == failure_kind::undrained ? fate::cut : fate::abandoned;
}

// Goes after a redirect, with the cookies that it has set, in the time of the step that met it.
task<result<answer>> session_generator::follow(session& in, const session_step& step, const arrival& taken, answer got,
                                               instant limit) {
  const request_source::route& route = plan_.work.requests[taken.route];
  redirect_chain chain(in.request.bytes, route.verb, plan_.work.follow);
  while (chain.next(got, in.on->location())) {
    if (in.how.cookies) {
      std::string line;
      in.jar.append_field(chain.target(), on_.now(), line);
      chain.set_cookies(line);
    }
    taken.into->redirects++;
    const instant sent = on_.now();
    result<answer> hop = co_await follow_once(in, step, chain, limit, false);
    if (!hop && chain.may_resend(route.may_resend) && was_left(in.on.get(), hop.error())) {
      taken.into->resent++;
      hop = co_await follow_once(in, step, chain, limit, true);
    }
    if (!hop) co_return hop;
    got = *hop;
    got.followed_at = sent;
  }
  co_return got;
}

// `afresh`: on a connection that has had no request.
task<result<answer>> session_generator::follow_once(session& in, const session_step& step, const redirect_chain& chain,
                                                    instant limit, bool afresh) {
  if (afresh || !in.on->reusable() || in.on->spoiled()) {
    co_await close(in);
    const result<void> opened = co_await open(in, limit);
    if (!opened) co_return std::unexpected(opened.error());
  }
  watch(in, step, chain.request());
  co_return co_await in.on->exchange(chain.request(), chain.verb(), limit);
}

// What the answer to that request is looked at for.
void session_generator::watch(session& in, const session_step& step, std::string_view request) const {
  in.reads.begin(step.takes, in.how.cookies ? &in.jar : nullptr, target_in(request), on_.now(), unix_seconds());
  in.on->watch(step.checks, &in.reads);
}

task<void> session_generator::close(session& in) {
  if (in.on == nullptr) co_return;
  measured_.received_bytes += in.on->received_bytes();
  co_await in.on->stop();
  in.on.reset();
}

}  // namespace assay::load
