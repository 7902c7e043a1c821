#include "lab/plan/keys.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lab/model/duration.hpp"
#include "lab/model/nearest.hpp"

namespace assay::plan {
namespace {

using form = yaml_node::form;

std::string found_in(const yaml_node& node) {
  switch (node.is) {
    case form::nothing:
      return "nothing";
    case form::scalar:
      return in_quotes(node.text);
    case form::list:
      return "a list";
    case form::map:
      return "a mapping";
  }
  return "nothing";
}

template <typename N>
std::optional<N> whole_number(const std::string& text) {
  N number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string named(const std::string& path, std::string_view why) {
  return path.empty() ? std::string(why) : fmt::format("{}: {}", path, why);
}

void refuse_unknown(reader& in, const section& described, const std::string& path, const yaml_entry& entry) {
  std::vector<std::string> names;
  for (const key& each : described.keys) names.push_back(each.name);
  const std::string meant = model::nearest(entry.key, names);
  in.refuse(entry.at, fmt::format("unknown key {}{}{}; {}", in_quotes(entry.key), path.empty() ? "" : " in ", path,
                                  meant.empty() ? fmt::format("known are {}", fmt::join(names, ", "))
                                                : fmt::format("did you mean \"{}\"?", meant)));
}

}  // namespace

void reader::expected(const std::string& path, const yaml_node& node, std::string_view what) {
  refuse(node.at, named(path, fmt::format("expected {}, found {}", what, found_in(node))));
}

std::optional<std::string> reader::text(const std::string& path, const yaml_node& node) {
  if (node.is != form::scalar) {
    expected(path, node, "a text");
  } else if (node.text.size() > most_text_bytes) {
    refuse(node.at, named(path, fmt::format("a text of more than {} bytes", most_text_bytes)));
  } else {
    return node.text;
  }
  return std::nullopt;
}

std::optional<double> reader::number(const std::string& path, const yaml_node& node, double least, double greatest) {
  const auto read = node.is == form::scalar ? whole_number<double>(node.text) : std::nullopt;
  if (read && std::isfinite(*read) && *read >= least && *read <= greatest) return read;
  expected(path, node, fmt::format("a number from {} to {}", least, greatest));
  return std::nullopt;
}

std::optional<std::int64_t> reader::integer(const std::string& path, const yaml_node& node, double least,
                                            double greatest) {
  const auto read = node.is == form::scalar ? whole_number<std::int64_t>(node.text) : std::nullopt;
  if (read && static_cast<double>(*read) >= least && static_cast<double>(*read) <= greatest) return read;
  expected(path, node, fmt::format("a whole number from {:.0f} to {:.0f}", least, greatest));
  return std::nullopt;
}

std::optional<bool> reader::flag(const std::string& path, const yaml_node& node) {
  if (node.is == form::scalar && (node.text == "true" || node.text == "false")) return node.text == "true";
  expected(path, node, "true or false");
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> reader::duration(const std::string& path, const yaml_node& node, double least,
                                                         double greatest) {
  const auto read = node.is == form::scalar ? model::parse_duration(node.text)
                                            : std::expected<std::chrono::nanoseconds, std::string>(std::unexpect, "");
  const auto nanoseconds = [](double seconds) { return std::chrono::nanoseconds(std::llround(seconds * 1e9)); };
  if (read && *read >= nanoseconds(least) && *read <= nanoseconds(greatest)) return *read;
  expected(path, node,
           read ? fmt::format("a duration from {} to {}", model::duration_text(nanoseconds(least)),
                              model::duration_text(nanoseconds(greatest)))
                : "a duration such as 30s, 5m, 1.5h or 250ms");
  return std::nullopt;
}

std::optional<std::size_t> reader::word(const std::string& path, const yaml_node& node,
                                        const std::vector<std::string>& words) {
  const auto known = std::ranges::find(words, node.text);
  if (node.is == form::scalar && known != words.end()) return static_cast<std::size_t>(known - words.begin());
  expected(path, node, fmt::format("{}{}", words.size() > 1 ? "one of " : "", fmt::join(words, ", ")));
  return std::nullopt;
}

std::optional<rate_text> reader::rate(const std::string& path, const yaml_node& node) {
  std::string text = node.is == form::scalar ? node.text : "";
  const bool times_baseline = text.ends_with('x');
  if (times_baseline) text.pop_back();
  const auto number = whole_number<double>(text);
  if (number && *number >= least_rate && *number <= most_rate) return rate_text{*number, times_baseline};
  expected(path, node,
           number && std::isfinite(*number) ? fmt::format("a rate from {} to {} a second", least_rate, most_rate)
                                            : "a rate such as 100, or 10x of the baseline");
  return std::nullopt;
}

bool reader::list(const std::string& path, const yaml_node& node, std::size_t least, std::size_t most) {
  if (node.is == form::list && node.items.size() >= least && node.items.size() <= most) return true;
  if (node.is != form::list) {
    expected(path, node, "a list");
  } else {
    refuse(node.at, named(path, fmt::format("expected {} to {} items, found {}", least, most, node.items.size())));
  }
  return false;
}

bool reader::mapping(const std::string& path, const yaml_node& node) {
  if (node.is == form::map) return true;  // its length is bounded by the tree
  expected(path, node, "a mapping");
  return false;
}

void decode(reader& in, const section& described, const std::string& path, const yaml_node& node, void* into) {
  if (!in.mapping(path, node)) return;
  for (const yaml_entry& entry : node.entries) {
    const auto known = std::ranges::find(described.keys, entry.key, &key::name);
    if (known == described.keys.end()) return refuse_unknown(in, described, path, entry);
    known->set(in, *known, path.empty() ? entry.key : path + "." + entry.key, entry.value, into);
    if (in.failed()) return;
  }
  for (const key& each : described.keys) {
    if (!each.needed || node.find(each.name) != nullptr) continue;
    return in.refuse(node.at, named(path, fmt::format("missing key \"{}\": {}", each.name, each.doc)));
  }
  if (described.finish) described.finish(in, path, node, into);
}

std::vector<const section*> sections_from(const section& root) {
  std::vector<const section*> found = {&root};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const key& each : found[i]->keys) {
      if (each.inner != nullptr && std::ranges::find(found, each.inner) == found.end()) found.push_back(each.inner);
    }
  }
  return found;
}

std::string default_text(const std::string& value) { return value; }
std::string default_text(double value) { return fmt::format("{}", value); }
std::string default_text(std::chrono::nanoseconds value) {
  return value == value.zero() ? std::string() : model::duration_text(value);
}

}  // namespace assay::plan
