// What an answer's JSON must hold, as typed after "--check json:":
//
//   data.items[0].id      it is there, be it null; members and places from the top, and "$" for the top itself
//   data.id=7             it is 7, or the text "7": VALUE is compared as JSON where it is JSON, and as text
//   ["odd.name"].x~part   it is a text with that part; a member's name in quotes where it has a dot, a bracket or a
//   sign
//
// Misuse: as a schema. It says what these few places hold and nothing of the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::load {

// A body is kept for it, which no other check needs. A longer one holds nothing.
inline constexpr std::size_t max_json_body = std::size_t{1024} * 1024;

class json_check {
 public:
  // Nothing when it is none.
  static std::optional<json_check> parse(std::string_view text);

  // Whether the body is JSON in which all of them hold.
  static bool all_hold(std::span<const json_check> checks, std::string_view body);
  // What is there, as text: of a text itself, of a number or a truth value as JSON writes it. Nothing when the body is
  // no JSON, or has something else there, or nothing.
  std::optional<std::string> text_in(std::string_view body) const;
  // Typed with a value that it must have.
  bool compares() const { return is_ != how::present; }

 private:
  enum class how : std::uint8_t { present, equals, contains };
  struct step {
    std::string member = {};
    std::optional<std::size_t> place = {};  // in an array, instead of a member
  };
  struct found;

  bool take_path(std::string_view& left);
  bool take_member(std::string_view& left);
  bool take_bracket(std::string_view& left);
  std::optional<found> locate(const found& in) const;
  bool holds(const found& in) const;

  std::vector<step> path_;
  how is_ = how::present;
  std::string text_;
};

}  // namespace assay::load
