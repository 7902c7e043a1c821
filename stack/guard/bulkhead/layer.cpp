#include "stack/guard/bulkhead/layer.hpp"

#include <utility>

#include "stack/guard/hold.hpp"

namespace assay::guard::bulkhead {
namespace {

// In this order: the place goes back before the policy may go.
struct held_part {
  std::shared_ptr<policy> part;
  permit place;
};

task<result<http::client_response>> ask(std::shared_ptr<policy> part, exchange next, http::client_request request) {
  result<permit> place = part->enter_at_once();
  if (!*place) place = co_await part->wait_in_line();
  if (!place) co_return std::unexpected(place.error());
  result<http::client_response> outcome = co_await next(std::move(request));
  if (outcome && outcome->source) hold_during_body(outcome, held_part{.part = part, .place = std::move(*place)});
  co_return outcome;
}

http::response refusal_of(const options& given) {
  http::response refusal = http::response::refused(503, "bulkhead_full", given.name + " is busy");
  refusal.headers.emplace_back("retry-after", std::to_string(retry_after_seconds(given.retry_after)));
  return refusal;
}

}  // namespace

selection under(std::string path) {
  selection those;
  those.path_ = std::move(path);
  return those;
}

bool selection::is_under_path(const http::request& asked) const {
  const std::string_view of = asked.target().starts_with('/') ? asked.target() : asked.path();
  if (!of.starts_with(path_)) return false;
  return of.size() == path_.size() || path_.ends_with('/') || of[path_.size()] == '/' || of[path_.size()] == '?';
}

step::step(const std::vector<wall>& outermost_first) {
  std::vector<refusing_wall> walls;
  for (const wall& each : outermost_first) walls.push_back({.of = each, .refusal = refusal_of(each.part->settings())});
  if (!walls.empty()) walls_ = std::make_shared<const std::vector<refusing_wall>>(std::move(walls));
}

void step::take(held& mine, permit place) {
  (mine.first_ ? mine.further_.emplace_back() : mine.first_) = std::move(place);
}

entry step::enter_walls(passage& way, held& mine) const {
  for (; mine.next_wall_ < walls_->size(); mine.next_wall_++) {
    const wall& here = (*walls_)[mine.next_wall_].of;
    if (!here.belongs.has(way.asked)) continue;
    permit place = here.part->enter_at_once();
    if (!place) return entry::waits;
    take(mine, std::move(place));
  }
  return entry::passes;
}

task<entry> step::wait(passage& way, held& mine) const {
  entry told = entry::waits;
  while (told == entry::waits) {
    const auto& [here, refusal] = (*walls_)[mine.next_wall_];
    result<permit> place = co_await with_deadline(way.deadline, here.part->wait_in_line());
    if (!place)
      co_return way.answered_with(place.error().code == errc::limit ? refusal : http::response::from(place.error()));
    take(mine, std::move(*place));
    mine.next_wall_++;
    told = enter_walls(way, mine);
  }
  co_return told;
}

handler_layer layer(std::shared_ptr<policy> part, selection belongs) {
  return steps(step({{.part = std::move(part), .belongs = std::move(belongs)}}));
}

exchange_layer call_layer(std::shared_ptr<policy> part) {
  return [part = std::move(part)](exchange next) -> exchange {
    return [part, next = std::move(next)] ASSAY_CORO_WRAPPER(http::client_request request) {
      return ask(part, next, std::move(request));
    };
  };
}

}  // namespace assay::guard::bulkhead
