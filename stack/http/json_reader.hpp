// JSON that somebody has sent, read into typed members. What is wrong is said once, with the member's name.
//
//   http::json_reader in(*body);
//   const auto item = in.get<std::int64_t>("item_id");                 // has to be there
//   const auto note = in.find<std::string>("note");                    // std::optional: absent, or null
//   std::vector<order_line> lines;
//   for (http::json_reader each : in.list("lines")) {
//     lines.push_back({.sku = each.get<std::string>("sku"), .count = each.get<std::uint16_t>("count")});
//   }
//   if (!in.ok()) co_return http::response::refused(400, "invalid_body", in.wrong());
//   // lines[2].count: expected a whole number from 0 to 65535, is "two"
//
// Everything is read first and asked for trouble at the end: what is wrong reads as zero, empty or nothing, and the
// first trouble stays. Members that nobody asks for are no trouble. A number with a fraction is no whole number, 3.0 is
// one; what does not fit into the type that was asked for is refused, and so are the same member twice, text that is
// not UTF-8, and what is nested deeper, or longer, than json_limits.
//
// Misuse: using what was read before ok() has said that it may be used. Reading a body of any size: give read_all() the
// limit of the route.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::http {

struct json_limits {
  std::size_t max_depth = 32;        // of lists and objects within each other
  std::size_t max_values = 100'000;  // all members and elements together: each takes some hundred bytes
};

class json_reader {
 public:
  // An object; anything else is trouble.
  explicit json_reader(std::string_view text, const json_limits& limits = {});

  // The first trouble that this reader, or one from list() or object() of it, has met.
  bool ok() const;
  const std::string& wrong() const;

  // bool, a whole number of any width, double, or std::string.
  template <class T>
  T get(std::string_view member) {
    return read<T>(child(member, true)).value_or(T{});
  }
  // Nothing where it is absent, or null.
  template <class T>
  std::optional<T> find(std::string_view member) {
    const place at = child(member, false);
    return at.node == nullptr ? std::nullopt : read<T>(at);
  }
  // An object within this one; one that is missing is trouble.
  json_reader object(std::string_view member);
  // The elements of a list; objects are asked for their members, others for their value(). A list that is missing is
  // trouble.
  std::vector<json_reader> list(std::string_view member);
  // Of an element of a list that is no object.
  template <class T>
  T value() {
    return read<T>({node_, path_}).value_or(T{});
  }

  // For a rule of the caller's own: "quantity: expected at least 1".
  void refuse(std::string_view member, std::string_view expected);

 private:
  struct document;
  struct place {
    const void* node = nullptr;  // none: there is nothing, and that has been said if it is trouble
    std::string path = {};
  };

  json_reader(std::shared_ptr<document> of, place at);
  place child(std::string_view member, bool required);
  std::string path_of(std::string_view member) const;
  void trouble(const std::string& path, std::string_view sentence);
  void mismatch(const place& at, const std::string& expected);

  template <class T>
  std::optional<T> read(const place& at);
  // As the bits of a 64-bit number, signed where it is less than zero.
  std::optional<std::uint64_t> read_whole(const place& at, std::int64_t least, std::uint64_t most);
  std::optional<double> read_number(const place& at);
  std::optional<bool> read_bool(const place& at);
  std::optional<std::string> read_text(const place& at);

  std::shared_ptr<document> of_;
  const void* node_ = nullptr;
  std::string path_;
};

template <class T>
std::optional<T> json_reader::read(const place& at) {
  if constexpr (std::same_as<T, bool>) {
    return read_bool(at);
  } else if constexpr (std::same_as<T, std::string>) {
    return read_text(at);
  } else if constexpr (std::same_as<T, double>) {
    return read_number(at);
  } else {
    static_assert(std::integral<T>, "JSON is read as bool, a whole number, double or std::string");
    constexpr auto least = static_cast<std::int64_t>(std::numeric_limits<T>::min());
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<T>::max());
    const std::optional<std::uint64_t> bits = read_whole(at, least, most);
    return bits ? std::optional(static_cast<T>(*bits)) : std::nullopt;
  }
}

}  // namespace assay::http
