// Several inputs as one log, in the order of time: the logs of several servers, or rotated files in any order.
//
// A file is opened when its first request is due, so that a year of rotated files needs the memory of a few; pipes are
// open from the start. Within an input the order of its lines stays, but for log_order.hpp.
//
// Misuse: more than max_open_inputs that overlap; the rest waits for its turn, and crowded() says so.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "lab/learn/log_input.hpp"

namespace assay::learn {

inline constexpr std::size_t max_open_inputs = 64;

// What the profile's notes tell of all inputs together.
struct merge_facts {
  std::uint64_t set_aside = 0;
  std::uint8_t fewest_digits = 0;   // behind the second, of the input that has the fewest
  std::vector<std::string> doubts;  // inputs that are not of one format alone, with what is known
};

class log_merge {
 public:
  // `formats` must outlive this.
  log_merge(std::vector<std::string> paths, const format_choice& formats);

  // Finds out when each input begins.
  std::expected<void, std::string> start();
  // The earliest request that is left, and null at the end. Valid until the next call.
  std::expected<const access_line*, std::string> next();

  // At the end, in the order of the paths.
  std::vector<model::log_source> sources() { return std::move(sources_); }
  const merge_facts& facts() const { return facts_; }
  bool crowded() const { return crowded_; }

 private:
  struct waiting {
    std::size_t index;
    log_time begins;
    std::unique_ptr<log_input> opened;  // of a pipe, which cannot be opened twice
  };
  struct active {
    std::size_t index;
    log_time begins;
    std::unique_ptr<log_input> input;
  };
  // Of requests of one instant, that of the input which began earlier comes first: rotation may fall within a second.
  static bool later(const active& a, const active& b);

  std::expected<void, std::string> open_due();
  std::expected<void, std::string> close(active ended);
  void look_at(const std::string& path, const log_input& input, const model::log_source& source);

  std::vector<std::string> paths_;
  const format_choice* formats_;
  std::vector<waiting> waiting_;  // latest first
  std::vector<active> active_;    // a heap, the earliest in front
  bool was_handed_out_ = false;   // the front's head
  bool crowded_ = false;
  bool has_digits_ = false;
  std::vector<model::log_source> sources_;
  merge_facts facts_;
};

}  // namespace assay::learn
