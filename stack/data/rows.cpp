#include "stack/data/rows.hpp"

#include <libpq-fe.h>

#include <cassert>
#include <charconv>

namespace assay::data {
namespace detail {

void clear_result::operator()(pg_result* held) const noexcept { PQclear(held); }

namespace {

template <class Number>
bool parse_number(std::string_view text, Number& into) {
  const auto parsed = std::from_chars(text.begin(), text.end(), into);
  return parsed.ec == std::errc() && parsed.ptr == text.end();
}

}  // namespace

bool parse_field(std::string_view text, std::int32_t& into) { return parse_number(text, into); }
bool parse_field(std::string_view text, std::int64_t& into) { return parse_number(text, into); }
bool parse_field(std::string_view text, double& into) { return parse_number(text, into); }
bool parse_field(std::string_view text, bool& into) {
  into = text == "t";
  return into || text == "f";
}

}  // namespace detail

bool row::exists(int column) const { return column >= 0 && column < PQnfields(of_); }

std::optional<std::string_view> row::text(int column) const {
  if (!exists(column) || PQgetisnull(of_, index_, column) != 0) return std::nullopt;
  return std::string_view(PQgetvalue(of_, index_, column), static_cast<std::size_t>(PQgetlength(of_, index_, column)));
}

int rows::count() const { return PQntuples(held_.get()); }
int rows::columns() const { return PQnfields(held_.get()); }

row rows::operator[](std::size_t index) const {
  assert(index < size());
  return {held_.get(), static_cast<int>(index)};
}

std::uint64_t rows::affected() const {
  const std::string_view digits = PQcmdTuples(held_.get());
  std::uint64_t count = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), count);
  return count;
}

std::string_view rows::tag() const { return PQcmdStatus(held_.get()); }

}  // namespace assay::data
