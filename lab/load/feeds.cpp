#include "lab/load/feeds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "lab/model/feed.hpp"
#include "lab/model/number.hpp"
#include "lab/model/template.hpp"
#include "stack/http/message.hpp"

namespace assay::load {
namespace {

using source = model::value_source;

constexpr std::string_view forms =
    "expected NAME=SOURCE: FILE.csv, FILE.csv:COLUMN, FILE.jsonl:MEMBER, FILE, int:1..100, zipf:1..100, "
    "zipf:1..100^0.8, seq, seq:START or uuid";

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; });
}

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failed == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::optional<source> range(source::kind from, std::string_view text) {
  source made{.from = from};
  if (const std::size_t hat = text.find('^'); from == source::kind::zipf && hat != text.npos) {
    const auto exponent = model::parse_number(text.substr(hat + 1));
    if (!exponent) return std::nullopt;
    made.exponent = *exponent;
    text = text.substr(0, hat);
  }
  const std::size_t dots = std::min(text.find(".."), text.size());
  const auto low = integer(text.substr(0, dots));
  const auto high = dots < text.size() ? integer(text.substr(dots + 2)) : std::nullopt;
  if (!low || !high) return std::nullopt;
  made.low = *low;
  made.high = *high;
  return made;
}

// A generator; nothing when the text is none, or is one with a mistake in it.
std::optional<source> generator_of(std::string_view text) {
  constexpr std::string_view uniform = "int:";
  constexpr std::string_view zipf = "zipf:";
  constexpr std::string_view sequence = "seq";
  if (text == "uuid") return source{.from = source::kind::uuid};
  if (text.starts_with(uniform)) return range(source::kind::integer, text.substr(uniform.size()));
  if (text.starts_with(zipf)) return range(source::kind::zipf, text.substr(zipf.size()));
  const auto start = text == sequence ? std::optional<std::int64_t>(1) : integer(text.substr(sequence.size() + 1));
  if (!start) return std::nullopt;
  return source{.from = source::kind::sequence, .low = *start};
}

bool names_generator(std::string_view text) {
  return text == "uuid" || text == "seq" || text.starts_with("seq:") || text.starts_with("int:") ||
         text.starts_with("zipf:");
}

std::expected<source, std::string> read_file(std::string_view text, const std::string& name) {
  std::string path(text);
  std::string column;
  for (const std::string_view kind : {".csv", ".jsonl"}) {
    if (path.ends_with(kind)) column = name;
    const std::size_t at = path.rfind(std::string(kind) + ":");
    if (at == std::string::npos) continue;
    column = path.substr(at + kind.size() + 1);
    path.resize(at + kind.size());
    break;
  }
  auto values = model::read_feed(path, column);
  if (!values) return std::unexpected(values.error());
  return source{.from = source::kind::choice, .choices = std::move(*values), .feed = path, .column = column};
}

// The names of the placeholders in all that the route sends; nothing when it is no template, which is told later.
std::vector<std::string> names_in(const model::bound_route& route) {
  std::vector<std::string> names;
  bool sound = model::parse_template(route.target, names).has_value();
  for (const auto& [name, value] : route.headers) sound = sound && model::parse_template(value, names);
  sound = sound && model::parse_template(route.body, names);
  if (!sound) names.clear();
  return names;
}

}  // namespace

std::expected<std::pair<std::string, source>, std::string> parse_feed(std::string_view text) {
  const std::size_t equals = text.find('=');
  std::string name(text.substr(0, equals));
  if (equals == text.npos || !is_name(name) || equals + 1 == text.size()) {
    return std::unexpected(fmt::format("--feed \"{}\": {}", text, forms));
  }
  const std::string_view from = text.substr(equals + 1);
  if (names_generator(from)) {
    std::optional<source> made = generator_of(from);
    if (!made) return std::unexpected(fmt::format("--feed \"{}\": {}", text, forms));
    return std::pair{std::move(name), std::move(*made)};
  }
  auto read = read_file(from, name);
  if (!read) return std::unexpected(fmt::format("--feed {}: {}", name, read.error()));
  return std::pair{std::move(name), std::move(*read)};
}

std::string template_of(std::string_view text, const feed_map& feeds) {
  std::string made;
  while (!text.empty()) {
    const std::size_t brace = std::min(text.find_first_of("{}"), text.size());
    made += text.substr(0, brace);
    text.remove_prefix(brace);
    if (text.empty()) break;
    const std::size_t end = text.find('}');
    const bool fed = text.front() == '{' && end != text.npos && feeds.contains(std::string(text.substr(1, end - 1)));
    const std::size_t taken = fed ? end + 1 : 1;
    made += fed ? text.substr(0, taken) : (text.front() == '{' ? "{{" : "}}");
    text.remove_prefix(taken);
  }
  return made;
}

model::bound_route route_with_feeds(model::bound_route written, const feed_map& feeds) {
  if (written.name.empty()) written.name = fmt::format("{} {}", written.method, written.target);
  written.target = template_of(written.target, feeds);
  for (auto& [name, value] : written.headers) value = template_of(value, feeds);
  written.body = template_of(written.body, feeds);
  return written;
}

std::expected<void, std::string> bind_feeds(std::vector<model::bound_route>& routes, const feed_map& feeds) {
  std::set<std::string> used;
  for (model::bound_route& route : routes) {
    for (const std::string& name : names_in(route)) {
      const auto feed = feeds.find(name);
      if (feed == feeds.end()) continue;
      used.insert(name);
      route.values.emplace(name, feed->second);
    }
  }
  for (const auto& [name, unused] : feeds) {
    if (!used.contains(name)) return std::unexpected(fmt::format("--feed {}: no request carries {{{}}}", name, name));
  }
  return {};
}

void add_headers(std::vector<model::bound_route>& routes,
                 const std::vector<std::pair<std::string, std::string>>& headers) {
  for (model::bound_route& route : routes) {
    for (const auto& [name, value] : headers) {
      const bool has = std::ranges::any_of(
          route.headers, [&name](const auto& field) { return http::equals_ignoring_case(field.first, name); });
      if (!has) route.headers.emplace_back(name, model::literal_template(value));
    }
  }
}

}  // namespace assay::load
