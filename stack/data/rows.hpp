// The answer to a statement: rows of text columns, read by type, each column checked when it is read.
//
//   for (const data::row row : *got) {
//     const result<std::int64_t> id = row.get<std::int64_t>(0);
//     const auto note = row.get<std::optional<std::string>>(1);   // NULL is a value only here
//   }
//
// The whole answer is in memory, since libpq gathers it: let statements that may find much say LIMIT.
//
// Misuse: a string_view of get<std::string_view>() or a row beyond its rows object.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stack/runtime/error.hpp"

struct pg_result;

namespace assay::data {

namespace detail {

class json_columns;

struct clear_result {
  void operator()(pg_result* held) const noexcept;
};

bool parse_field(std::string_view text, std::int32_t& into);
bool parse_field(std::string_view text, std::int64_t& into);
bool parse_field(std::string_view text, double& into);
bool parse_field(std::string_view text, bool& into);
inline bool parse_field(std::string_view text, std::string& into) {
  into = text;
  return true;
}
inline bool parse_field(std::string_view text, std::string_view& into) {
  into = text;
  return true;
}

template <class T>
struct optional_of {
  static constexpr bool is = false;
};
template <class T>
struct optional_of<std::optional<T>> {
  static constexpr bool is = true;
  using type = T;
};

}  // namespace detail

class row {
 public:
  row(const pg_result* of, int index) : of_(of), index_(index) {}

  // Text of a column; nothing when it is NULL or there is no such column.
  std::optional<std::string_view> text(int column) const;

  // std::int32_t, std::int64_t, double, bool, std::string, std::string_view, or std::optional of one of them.
  // errc::invalid_argument: no such column; errc::protocol: NULL, or not of that type.
  template <class T>
  result<T> get(int column) const {
    if (!exists(column)) return std::unexpected(error{.code = errc::invalid_argument, .what = "no such column"});
    const std::optional<std::string_view> found = text(column);
    if constexpr (detail::optional_of<T>::is) {
      if (!found) return T{};
      typename detail::optional_of<T>::type parsed{};
      if (detail::parse_field(*found, parsed)) return T(std::move(parsed));
    } else {
      if (!found) return std::unexpected(error{.code = errc::protocol, .what = "the column is NULL"});
      T parsed{};
      if (detail::parse_field(*found, parsed)) return parsed;
    }
    return std::unexpected(error{.code = errc::protocol, .what = "the column is of another type"});
  }

 private:
  friend class detail::json_columns;
  bool exists(int column) const;
  const pg_result* of_;
  int index_;
};

class rows {
 public:
  explicit rows(std::unique_ptr<pg_result, detail::clear_result> held) : held_(std::move(held)) {}

  std::size_t size() const { return static_cast<std::size_t>(count()); }
  bool empty() const { return count() == 0; }
  int columns() const;
  row operator[](std::size_t index) const;
  // Rows that an INSERT, UPDATE or DELETE has touched; 0 for what touches none.
  std::uint64_t affected() const;
  // The command's tag: "SELECT 3", "COMMIT".
  std::string_view tag() const;

  class iterator {
   public:
    iterator(const rows* of, std::size_t at) : of_(of), at_(at) {}
    row operator*() const { return (*of_)[at_]; }
    iterator& operator++() {
      at_++;
      return *this;
    }
    bool operator==(const iterator& other) const { return at_ == other.at_; }

   private:
    const rows* of_;
    std::size_t at_;
  };
  iterator begin() const { return {this, 0}; }
  iterator end() const { return {this, size()}; }

 private:
  int count() const;
  std::unique_ptr<pg_result, detail::clear_result> held_;
};

// As JSON: an object of the columns, under their names; a list of them. Integers, floating-point numbers and booleans
// are such, NULL is null, json and jsonb are what they are. All else is text, numeric as well, which is exact.
void append_json(std::string& to, const row& of);
std::string json_of(const row& of);
std::string json_of(const rows& of);

}  // namespace assay::data
