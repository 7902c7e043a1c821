// Whose request it is, in a load without clients of its own: names that come back, so that the server's log shows
// sessions of the lengths that were asked for. A function of the request's number and the seed, as every value is.
//
// Requests are dealt out to `at_a_time` lanes, one each in turn and in an order that changes from turn to turn. In a
// lane sessions follow one another: a session is over after one request with probability `single_share`; if not it has
// two or more, geometrically many, so that the mean is `requests_mean`. A visitor's name is the number of its lane and
// of the turn in which it came, so that to know it one looks back to that turn: `requests_mean` turns or so.
//
// Misuse: taking the time between two requests of a visitor for what the log had. It is that of `at_a_time` requests.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "lab/model/plan.hpp"

namespace assay::load {

class visitor_draw {
 public:
  static constexpr unsigned most_at_a_time = 1U << 16;
  // A session that is longer than so many on the average is no session.
  static constexpr double most_requests_mean = 200;

  // The error continues a sentence: "expected ...".
  static std::expected<visitor_draw, std::string> create(const model::value_source& source, std::uint64_t seed);

  // Of the visitor of the request with this number.
  std::uint64_t name_of(std::uint64_t ordinal) const;

 private:
  struct place {
    std::uint64_t turn = 0;
    std::uint64_t lane = 0;
  };

  visitor_draw() = default;
  place place_of(std::uint64_t ordinal) const;
  double chance_at(place at) const;
  std::uint64_t began(place at) const;

  std::uint64_t seed_ = 0;
  unsigned lanes_ = 1;  // a power of two
  unsigned lane_bits_ = 0;
  double over_after_one_ = 1;  // probability
  double over_after_more_ = 1;
};

}  // namespace assay::load
