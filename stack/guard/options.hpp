// The convention of every policy's options: check(options) tells every option that is out of range, one a line, and
// what is allowed: who repairs a configuration is not to be told of it piece by piece.
//
//   checked check(const options& given) {
//     return option_check("shed").number("max_in_flight", given.max_in_flight, 1, 1'000'000).outcome();
//   }
//   // "shed.max_in_flight is 0; allowed: 1 to 1000000"
//
// A program that reads options from a user calls check() and prints the text. A policy's constructor aborts on what is
// wrong.
//
// Misuse: putting options right in silence ("0 means 1"): the operator would believe what is not so.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "stack/runtime/time.hpp"

namespace assay::guard {

// Nothing, or a line for each option that is wrong, for whoever wrote them; between the lines a line feed.
using checked = std::expected<void, std::string>;

class option_check {
 public:
  explicit option_check(std::string_view policy) : policy_(policy) {}

  option_check& number(std::string_view name, std::uint64_t given, std::uint64_t least, std::uint64_t most);
  option_check& span(std::string_view name, duration given, duration least, duration most);
  // For all else: `allowed` says what would be right.
  option_check& that(bool fits, std::string_view name, std::string_view given, std::string_view allowed);
  // What another policy's check() found.
  option_check& also(const checked& other);

  checked outcome() const;

 private:
  void add(std::string_view line);

  std::string policy_;
  std::string lines_;
};

// In the largest unit that is exact: "250 ms", "1500 us", "10 s".
std::string to_text(duration span);

// Whole seconds for Retry-After, never too early and never 0: "at once" is no advice to someone who was refused.
std::uint64_t retry_after_seconds(duration span);

}  // namespace assay::guard
