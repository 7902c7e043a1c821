// Values that text of a request stands for: what a typed handler takes of a path (router.hpp), and what a query gives.
//
//   const std::optional<std::int32_t> page = http::query_value<std::int32_t>(asked.query(), "page", 1);
//   if (!page || *page < 1) co_return http::response::refused(400, "invalid_page");
//
// What can be read:
//
// - whole numbers, but for bool and characters: the decimal digits of one within the type's range, '-' before them;
// - std::string: the text, percent-decoded; the bytes may be anything, also NUL;
// - std::string_view: a segment as it was sent, a view of the request's head, which lives as long as the request;
// - a type of yours by a function beside it, in its namespace, which is given the decoded text:
//
//   std::optional<colour> from_text(std::string_view text, std::type_identity<colour>);   // nullopt: it is none
//
// A number is written in one way: no '+', no leading zero, no "-0", no "%37". Two paths are then never one resource for
// the service and two for a cache in front of it.
//
// Misuse: a type of yours that keeps a view of its text: the text is gone when from_text() has returned. A std::string
// that goes to a database unchecked: see utf8_length().
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "stack/http/url_text.hpp"

namespace assay::http {

namespace detail {

template <class T, class... Others>
concept one_of = (std::same_as<T, Others> || ...);

template <class T>
concept whole = std::integral<T> && sizeof(T) <= sizeof(std::int64_t) &&
                !one_of<T, bool, char, wchar_t, char8_t, char16_t, char32_t>;

template <class T>
concept of_own_text = requires(std::string_view text) {
  { from_text(text, std::type_identity<T>()) } -> std::same_as<std::optional<T>>;
};

template <whole T>
std::optional<T> whole_value(std::string_view text) {
  if constexpr (std::unsigned_integral<T>) {
    const std::optional<std::uint64_t> number = natural_number(text, std::numeric_limits<T>::max());
    return number ? std::optional<T>(static_cast<T>(*number)) : std::nullopt;
  } else {
    using limits = std::numeric_limits<T>;
    const std::optional<std::int64_t> number = whole_number(text, limits::min(), limits::max());
    return number ? std::optional<T>(static_cast<T>(*number)) : std::nullopt;
  }
}

// Of text that has been decoded.
template <class T>
std::optional<T> decoded_value(std::optional<std::string> text) {
  if (!text) return std::nullopt;
  if constexpr (std::same_as<T, std::string>) {
    return text;
  } else if constexpr (whole<T>) {
    return whole_value<T>(*text);
  } else if constexpr (of_own_text<T>) {
    return from_text(std::string_view(*text), std::type_identity<T>());
  } else {
    static_assert(of_own_text<T>,
                  "text of a request is read as a whole number, a std::string, a std::string_view of a path, or a type "
                  "that has std::optional<T> from_text(std::string_view, std::type_identity<T>) beside it");
  }
}

}  // namespace detail

// What a segment of a path stands for, as in `parameters["id"]`; nullopt when that is no T.
template <class T>
std::optional<T> segment_value(std::string_view segment) {
  if constexpr (std::same_as<T, std::string_view>) {
    return segment;
  } else if constexpr (detail::whole<T>) {
    return detail::whole_value<T>(segment);
  } else {
    return detail::decoded_value<T>(percent_decoded(segment));
  }
}

// What the first parameter of that name in "a=1&b=2" stands for; nullopt when there is none, and when that is no T.
template <class T>
std::optional<T> query_value(std::string_view query, std::string_view name) {
  return detail::decoded_value<T>(query_parameter(query, name));
}

// The same, but `otherwise` when there is none: nullopt is what a client is told of.
template <class T>
std::optional<T> query_value(std::string_view query, std::string_view name, T otherwise) {
  std::optional<std::string> text = query_parameter(query, name);
  return text ? detail::decoded_value<T>(std::move(text)) : std::optional<T>(std::move(otherwise));
}

}  // namespace assay::http
