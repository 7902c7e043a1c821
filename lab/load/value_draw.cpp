#include "lab/load/value_draw.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace assay::load {
namespace {

using kind = model::value_source::kind;

// Also of the whole range of 64 bits, which has 2^64 values: then 0.
std::uint64_t size_of_range(const model::value_source& source) {
  return static_cast<std::uint64_t>(source.high) - static_cast<std::uint64_t>(source.low) + 1;
}

void put_number(std::int64_t number, std::string& out) {
  std::array<char, 24> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.assign(digits.data(), end);
}

// RFC 9562 section 5.4: random but for version and variant.
void put_uuid(std::uint64_t high, std::uint64_t low, std::string& out) {
  constexpr std::string_view hex = "0123456789abcdef";
  high = (high & ~0xf000ULL) | 0x4000ULL;
  low = (low & ~(3ULL << 62)) | (2ULL << 62);
  out.clear();
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) out += '-';
    const std::uint64_t word = nibble < 16 ? high : low;
    out += hex[(word >> (60 - 4 * (nibble % 16))) & 15];
  }
}

}  // namespace

std::expected<value_draw, std::string> value_draw::create(const model::value_source& source, std::uint64_t seed) {
  value_draw made(source);
  if (source.from == kind::integer || source.from == kind::zipf) {
    if (source.low > source.high) {
      return std::unexpected(fmt::format("expected a range from low to high, not {} to {}", source.low, source.high));
    }
  }
  if (source.from == kind::zipf) {
    if (!std::isfinite(source.exponent) || source.exponent <= 0) {
      return std::unexpected(fmt::format("expected a zipf exponent above 0, not {}", source.exponent));
    }
    const std::uint64_t ranks = size_of_range(source);
    if (ranks == 0 || ranks > max_zipf_ranks) {
      return std::unexpected(fmt::format("expected at most {} ranks of a zipf law", max_zipf_ranks));
    }
    made.zipf_.emplace(ranks, source.exponent);
  }
  if (source.from == kind::visitor) {
    auto visitors = visitor_draw::create(source, seed);
    if (!visitors) return std::unexpected(visitors.error());
    made.visitors_ = *visitors;
  }
  if (source.from == kind::choice && source.choices.empty()) {
    return std::unexpected("expected at least one value to choose from");
  }
  return made;
}

void value_draw::draw(draw_stream from, std::uint64_t ordinal, std::string& out) const {
  switch (source_.from) {
    case kind::constant:
      out.assign(source_.text);
      return;
    case kind::integer: {
      const std::uint64_t drawn = from.below(size_of_range(source_));
      put_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(source_.low) + drawn), out);
      return;
    }
    case kind::zipf:
      put_number(source_.low + static_cast<std::int64_t>(zipf_->draw(from) - 1), out);
      return;
    case kind::choice:
      out.assign(source_.choices[from.below(source_.choices.size())]);
      return;
    case kind::sequence:
      put_number(static_cast<std::int64_t>(static_cast<std::uint64_t>(source_.low) + ordinal), out);
      return;
    case kind::visitor:
      put_number(static_cast<std::int64_t>(visitors_->name_of(ordinal)), out);
      return;
    case kind::uuid: {
      const std::uint64_t high = from.next();
      put_uuid(high, from.next(), out);
      return;
    }
  }
}

std::vector<std::size_t> streams_of(const std::vector<value_draw>& values) {
  std::vector<std::size_t> streams;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const model::value_source& of = values[i].source();
    const auto first = std::ranges::find_if(values, [&of](const value_draw& each) {
      return !of.feed.empty() && each.source().feed == of.feed && each.source().choices.size() == of.choices.size();
    });
    const auto at = static_cast<std::size_t>(first - values.begin());
    const bool is_of_its_row = at < i && values[at].source().column != of.column;
    streams.push_back(is_of_its_row ? at : i);
  }
  return streams;
}

}  // namespace assay::load
