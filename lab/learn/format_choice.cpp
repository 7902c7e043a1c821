#include "lab/learn/format_choice.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>

#include "lab/learn/line/format_string.hpp"
#include "lab/learn/line/server_config.hpp"
#include "lab/model/nearest.hpp"

namespace assay::learn {
namespace {

constexpr std::string_view json_prefix = "json:";
constexpr std::string_view archive = "har";

std::string unknown_name(const std::string& typed) {
  std::vector<std::string> names;
  for (const std::string_view each : format_names()) names.emplace_back(each);
  const std::string meant = model::nearest(typed, names);
  if (!meant.empty()) return fmt::format("did you mean {}?", meant);
  return fmt::format("expected one of {}, a format string, @CONFIGURATION or json:FIELD=MEMBER,…",
                     fmt::join(names, ", "));
}

std::expected<std::string, std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(max_configuration_bytes + 1, '\0');
  if (!file || !file.read(text.data(), static_cast<std::streamsize>(text.size())).eof()) {
    return std::unexpected(path + (file ? ": expected at most 4 MiB" : ": cannot read"));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

std::expected<void, std::string> format_choice::add_configuration(const std::string& text, const std::string& wanted) {
  std::string why;
  std::vector<std::string> names;
  for (const named_format& each : formats_in(text)) {
    names.push_back(each.name);
    if (!wanted.empty() && each.name != wanted) continue;
    auto pattern = compile_format(each.text);
    if (pattern) {
      patterns_.emplace_back(each.name.empty() ? "format string" : each.name, std::move(*pattern));
    } else if (why.empty()) {
      why = each.name + ": " + pattern.error();
    }
  }
  if (!patterns_.empty()) return {};
  if (!why.empty()) return std::unexpected(why);
  if (names.empty()) return std::unexpected("expected log_format or LogFormat directives, found none");
  return std::unexpected(fmt::format("has no format {}; it has {}", wanted, fmt::join(names, ", ")));
}

// "@FILE" or "@FILE#NAME"
std::expected<void, std::string> format_choice::add_file(const std::string& typed) {
  const std::size_t hash = typed.rfind('#');
  const std::string path = typed.substr(1, hash == std::string::npos ? hash : hash - 1);
  const std::string wanted = hash == std::string::npos ? "" : typed.substr(hash + 1);
  const auto text = read_text(path);
  if (!text) return std::unexpected(text.error());
  if (const auto added = add_configuration(*text, wanted); !added) return std::unexpected(path + ": " + added.error());
  // A server writes its other logs in the format that needs no directive.
  if (wanted.empty()) names_.emplace_back("combined");
  return {};
}

std::expected<format_choice, std::string> format_choice::parse(const std::string& typed) {
  format_choice made;
  if (typed.empty()) return made;
  const auto refuse = [&](const std::string& why) {
    return std::unexpected(fmt::format("--format \"{}\": {}", typed.substr(0, max_sample_bytes), why));
  };
  if (make_parser(typed)) {
    made.names_.push_back(typed);
  } else if (typed.starts_with('@')) {
    if (const auto added = made.add_file(typed); !added) return refuse(added.error());
  } else if (typed.starts_with(json_prefix)) {
    auto mapping = parse_mapping(std::string_view(typed).substr(json_prefix.size()));
    if (!mapping) return refuse(mapping.error());
    made.mapping_ = std::move(*mapping);
  } else if (!formats_in(typed).empty()) {
    if (const auto added = made.add_configuration(typed, ""); !added) return refuse(added.error());
  } else if (typed.find_first_of("$%") == std::string::npos) {
    return refuse(unknown_name(typed));
  } else {
    auto pattern = compile_format(typed);
    if (!pattern) return refuse(pattern.error());
    made.patterns_.emplace_back("format string", std::move(*pattern));
  }
  return made;
}

bool format_choice::allows_archive() const { return is_automatic() || names_ == std::vector{std::string(archive)}; }

std::vector<parser_pointer> format_choice::parsers() const {
  std::vector<parser_pointer> made;
  for (const auto& [name, pattern] : patterns_) made.push_back(make_pattern_parser(name, pattern));
  if (mapping_) made.push_back(make_json_parser(*mapping_));
  for (const std::string& name : names_) made.push_back(make_parser(name));
  if (!made.empty()) return made;
  for (const std::string_view name : format_names()) {
    if (name != archive) made.push_back(make_parser(name));
  }
  return made;
}

}  // namespace assay::learn
