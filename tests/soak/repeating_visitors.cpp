#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "tests/soak/visitor_world.hpp"

namespace assay::soak {
namespace {

constexpr std::size_t longest_first_ms = 10;  // of a first one that is given up: about what it takes

http::client_request purchase(world* in) {
  static constexpr std::array<const char*, 2> targets = {"/sales", "/transfer"};
  return in->signed_by_one({.verb = "POST",
                            .target = targets.at(in->below(targets.size())),
                            .headers = {{"idempotency-key", std::to_string(in->random())}}});
}

task<result<http::client_response>> send_in(world* in, duration span, http::client_request asked) {
  const context& ctx = co_await this_context();
  http::client own(in->origin());
  co_return co_await with_deadline(ctx.on->now() + span, own.send(std::move(asked)));
}

// What has been answered is answered again, and not done again. After any other first it may be done only now, or be
// under way, or nobody knows; and what could not be served says so.
bool is_right(const result<http::client_response>& first, const http::client_response& again, bool replayed) {
  if (again.status == 503) return true;
  if (first && first->status == 200) return replayed && again.status == 200 && again.body == first->body;
  return again.status == 200 || again.status == 409 || again.status == 502 || again.status == 504;
}

}  // namespace

task<void> buy_twice(world* in) {
  const http::client_request asked = purchase(in);
  const bool hurried = in->below(3) == 0;
  const duration span = hurried ? std::chrono::milliseconds(in->below(longest_first_ms)) : patience;
  const auto first = co_await send_in(in, span, asked);
  const auto again = co_await send_in(in, patience, asked);
  const std::string what = asked.verb + " " + asked.target + " again, ";
  if (!again) co_return in->saw_wrong(what + describe(again.error()));
  const bool replayed = !again->header("idempotent-replayed").empty();
  in->saw(what + (replayed ? "replayed" : std::to_string(again->status)));
  if (is_right(first, *again, replayed)) co_return;
  const std::string before = first ? std::to_string(first->status) + " " + first->body : describe(first.error());
  in->saw_wrong(what + std::to_string(again->status) + " " + again->body + " after " + before);
}

}  // namespace assay::soak
