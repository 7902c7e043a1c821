#include "stack/guard/cache/directives.hpp"

#include <algorithm>
#include <charconv>

#include "stack/http/message.hpp"

namespace assay::guard::cache {
namespace {

struct directive {
  std::string_view name;
  std::string_view argument;  // without its quotes
};

bool is_space(char c) { return c == ' ' || c == '\t'; }
// Wider than a token: what it lets pass is no directive that we know.
bool is_name(char c) { return c > ' ' && c <= '~' && c != ',' && c != '=' && c != '"'; }

void skip(std::string_view& rest, auto matches) {
  while (!rest.empty() && matches(rest.front())) rest.remove_prefix(1);
}

std::string_view take_token(std::string_view& rest) {
  const auto end = std::ranges::find_if_not(rest, is_name);
  const std::string_view token = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(token.size());
  return token;
}

// Behind the opening quote. None when it does not end; what is escaped in it matters to no directive that we heed.
std::optional<std::string_view> take_quoted(std::string_view& rest) {
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '\\') {
      i++;
    } else if (rest[i] == '"') {
      const std::string_view text = rest.substr(0, i);
      rest.remove_prefix(i + 1);
      return text;
    }
  }
  return std::nullopt;
}

// The next directive of the list; none when it is malformed. `rest` is not empty and begins with its name.
std::optional<directive> take_directive(std::string_view& rest) {
  directive next{.name = take_token(rest), .argument = {}};
  if (next.name.empty()) return std::nullopt;
  if (rest.starts_with('=')) {
    rest.remove_prefix(1);
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      const auto text = take_quoted(rest);
      if (!text) return std::nullopt;
      next.argument = *text;
    } else {
      next.argument = take_token(rest);
      if (next.argument.empty()) return std::nullopt;
    }
  }
  skip(rest, is_space);
  if (!rest.empty() && rest.front() != ',') return std::nullopt;
  return next;
}

void note_age(std::string_view argument, std::optional<duration>& into, bool& malformed) {
  const std::optional<duration> age = parse_seconds(argument);
  if (!age) malformed = true;
  if (age) into = into ? std::min(*into, *age) : *age;
}

void note(const directive& said, directives& into) {
  const auto is = [&said](std::string_view name) { return http::equals_ignoring_case(said.name, name); };
  if (is("no-store")) into.no_store = true;
  if (is("no-cache")) into.no_cache = true;  // that it may name fields changes nothing: it asks for more than we do
  if (is("private")) into.is_private = true;
  if (is("must-revalidate") || is("proxy-revalidate")) into.must_revalidate = true;
  if (is("max-age")) note_age(said.argument, into.max_age, into.malformed);
  if (is("s-maxage")) note_age(said.argument, into.s_maxage, into.malformed);
}

}  // namespace

std::optional<duration> parse_seconds(std::string_view text) {
  constexpr std::uint64_t most = 365ULL * 24 * 3600;
  std::uint64_t seconds = 0;
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (failed != std::errc() || seconds > most) seconds = most;  // only too large is left
  return std::chrono::seconds(seconds);
}

void read_cache_control(std::string_view value, directives& into) {
  const auto between = [](char c) { return is_space(c) || c == ','; };  // lists may have empty elements
  for (skip(value, between); !value.empty(); skip(value, between)) {
    const std::optional<directive> next = take_directive(value);
    if (!next) {
      into.malformed = true;
      return;
    }
    note(*next, into);
  }
}

}  // namespace assay::guard::cache
