#include "lab/load/visitor_draw.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "lab/load/counter_random.hpp"

namespace assay::load {
namespace {

// A new session begins at least so often, or looking back for its begin would have no end.
constexpr double least_chance = 1.0 / 512;

}  // namespace

std::expected<visitor_draw, std::string> visitor_draw::create(const model::value_source& source, std::uint64_t seed) {
  const double mean = source.requests_mean;
  const double single = source.single_share;
  if (!(mean >= 1 && mean <= most_requests_mean)) {
    return std::unexpected(
        fmt::format("expected 1 to {} requests a visitor on the average, not {}", most_requests_mean, mean));
  }
  if (!(single >= 0 && single <= 1)) return std::unexpected(fmt::format("expected a share of 0 to 1, not {}", single));
  if (source.at_a_time == 0 || source.at_a_time > most_at_a_time) {
    return std::unexpected(fmt::format("expected 1 to {} visitors at a time", most_at_a_time));
  }
  // Of those that have more than one. The tolerance is for what was rounded.
  const double most_of_longer = 1 / least_chance + 1;
  const double asked = single < 1 ? (mean - single) / (1 - single) : 2;
  if (asked < 1.99 || asked > most_of_longer) {
    return std::unexpected(fmt::format(
        "expected visitors of more than one request to have 2 to {:.0f} on the average; requests_mean {} with "
        "single_share {} makes that {:.4g}",
        most_of_longer, mean, single, asked));
  }
  visitor_draw made;
  made.seed_ = mix(seed);
  made.lanes_ = std::bit_ceil(source.at_a_time);
  made.lane_bits_ = static_cast<unsigned>(std::countr_zero(made.lanes_));
  const double of_longer = std::max(asked, 2.0);  // two and a geometric number more
  made.over_after_one_ = std::max(single, least_chance);
  made.over_after_more_ = std::max(1 / (of_longer - 1), least_chance);
  return made;
}

// Each turn has an order of its own: lanes are an odd multiple and an offset apart, which leaves out none.
visitor_draw::place visitor_draw::place_of(std::uint64_t ordinal) const {
  const std::uint64_t turn = ordinal >> lane_bits_;
  const std::uint64_t bits = mix(seed_ + turn);
  const std::uint64_t lane = (ordinal * (bits | 1U) + (bits >> 32)) & (lanes_ - 1);
  return {.turn = turn, .lane = lane};
}

double visitor_draw::chance_at(place at) const { return uniform(mix(mix(seed_ ^ (at.lane + 1)) + at.turn)); }

// Back to a turn in which a session begins whatever was before it; from there on each tells of the next.
std::uint64_t visitor_draw::began(place at) const {
  const double surely = std::min(over_after_one_, over_after_more_);
  std::uint64_t turn = at.turn;
  while (turn > 0 && chance_at({.turn = turn, .lane = at.lane}) >= surely) --turn;
  std::uint64_t begin = turn;
  for (++turn; turn <= at.turn; ++turn) {
    const bool had_one = turn == begin + 1;
    if (chance_at({.turn = turn, .lane = at.lane}) < (had_one ? over_after_one_ : over_after_more_)) begin = turn;
  }
  return begin;
}

std::uint64_t visitor_draw::name_of(std::uint64_t ordinal) const {
  const place at = place_of(ordinal);
  return began(at) * lanes_ + at.lane;
}

}  // namespace assay::load
