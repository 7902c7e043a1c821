#include "lab/plan/openapi.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "lab/model/feed.hpp"

namespace assay::plan {
namespace {

constexpr std::array methods{"get", "put", "post", "delete", "options", "head", "patch", "trace"};

// What stands before every path: of "https://api.example.com/v1/" it is "/v1".
std::string base_of(const yaml_node& root) {
  std::string_view url;
  if (const yaml_node* const base = root.find("basePath")) url = base->text;  // Swagger 2
  if (const yaml_node* const servers = root.find("servers"); servers != nullptr && !servers->items.empty()) {
    if (const yaml_node* const first = servers->items.front().find("url")) url = first->text;
  }
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    const std::size_t slash = url.find('/', scheme + 3);
    url = slash == std::string_view::npos ? std::string_view() : url.substr(slash);
  }
  while (url.ends_with('/')) url.remove_suffix(1);
  // "{basePath}/v1" is known at run time alone.
  return url.starts_with('/') && url.find('{') == std::string_view::npos ? std::string(url) : std::string();
}

bool is_of_a_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// A segment as a route has it: plain, or a placeholder and what follows it.
std::optional<std::string> segment_of(std::string_view written) {
  const std::size_t opens = written.find('{');
  if (opens == std::string_view::npos) {
    const bool plain = std::ranges::all_of(written, [](char c) { return c > ' ' && c < 0x7f && c != '}' && c != '?'; });
    return plain && written != "*" && !written.starts_with(':') ? std::optional(std::string(written)) : std::nullopt;
  }
  const std::size_t closes = written.find('}');
  if (opens != 0 || closes == std::string_view::npos || closes < 2) return std::nullopt;
  std::string name(written.substr(1, closes - 1));
  std::ranges::replace_if(name, [](char c) { return !is_of_a_name(c); }, '_');
  if (name.front() == '-' || (name.front() >= '0' && name.front() <= '9')) name.insert(0, 1, '_');
  const std::string_view rest = written.substr(closes + 1);
  const bool plain =
      std::ranges::all_of(rest, [](char c) { return c > ' ' && c < 0x7f && c != '{' && c != '}' && c != '?'; });
  return plain ? std::optional("{" + name + "}" + std::string(rest)) : std::nullopt;
}

std::optional<std::string> path_of(std::string_view written) {
  if (!written.starts_with('/')) return std::nullopt;
  constexpr std::size_t most_segments = 16;  // of a route, as assay learn reads it
  std::string path;
  std::size_t segments = 0;
  while (!written.empty()) {
    if (++segments > most_segments) return std::nullopt;
    written.remove_prefix(1);
    const std::size_t slash = std::min(written.find('/'), written.size());
    const auto segment = segment_of(written.substr(0, slash));
    if (!segment) return std::nullopt;
    // One name twice, in a path that never meant it: the values are told apart all the same.
    const bool again = segment->starts_with('{') && path.contains(segment->substr(0, segment->find('}') + 1));
    if (again) return std::nullopt;
    path += "/" + *segment;
    written.remove_prefix(slash);
  }
  return path;
}

bool is_json(std::string_view type) {
  const std::string_view bare = type.substr(0, type.find(';'));
  return bare == "application/json" || bare.ends_with("+json");
}

// By its own example, else by its schema's. Nothing when it is of another type.
std::optional<drafted_body> body_of_content(const yaml_node& root, const yaml_node& content) {
  const auto media = std::ranges::find_if(content.entries, is_json, &yaml_entry::key);
  if (media == content.entries.end()) return std::nullopt;
  const yaml_node* const schema = media->value.find("schema");
  const yaml_node* written = media->value.find("example");
  if (const yaml_node* const named = media->value.find("examples"); named != nullptr && !named->entries.empty()) {
    const yaml_node* first = &named->entries.front().value;
    if (const yaml_node* const reference = first->find("$ref")) first = node_at(root, reference->text);
    if (first != nullptr && first->find("value") != nullptr) written = first->find("value");
  }
  if (written != nullptr) return drafted_body{media->key, example_as_written(root, *written, schema)};
  if (schema == nullptr) return std::nullopt;
  return drafted_body{media->key, example_of(root, *schema)};
}

std::optional<drafted_body> body_of(const yaml_node& root, const yaml_node& operation) {
  if (const yaml_node* body = operation.find("requestBody")) {
    if (const yaml_node* const reference = body->find("$ref")) body = node_at(root, reference->text);
    const yaml_node* const content = body != nullptr ? body->find("content") : nullptr;
    return content != nullptr ? body_of_content(root, *content) : std::nullopt;
  }
  const yaml_node* const parameters = operation.find("parameters");  // Swagger 2
  if (parameters == nullptr) return std::nullopt;
  for (const yaml_node& each : parameters->items) {
    const yaml_node* of = &each;
    if (const yaml_node* const reference = each.find("$ref")) of = node_at(root, reference->text);
    const yaml_node* const in = of != nullptr ? of->find("in") : nullptr;
    const yaml_node* const schema = of != nullptr ? of->find("schema") : nullptr;
    if (in == nullptr || in->text != "body" || schema == nullptr) continue;
    return drafted_body{"application/json", example_of(root, *schema)};
  }
  return std::nullopt;
}

// JSON writes what lies beyond 16 bits as two escapes, "\ud83d\ude00", YAML as one, "\U0001f600". One half alone means
// nothing in either.
std::string without_surrogates(const std::string& text) {
  const auto half_at = [&text](std::size_t at) -> unsigned {  // 0: there is none
    if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return 0;
    unsigned code = 0;
    const char* const digits = text.data() + at + 2;
    const auto [end, failed] = std::from_chars(digits, digits + 4, code, 16);
    return failed == std::errc() && end == digits + 4 && code >= 0xd800 && code < 0xe000 ? code : 0;
  };
  std::string made;
  made.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t escape = std::min(text.find('\\', at), text.size());
    made.append(text, at, escape - at);
    const unsigned first = half_at(escape);
    const unsigned second = first != 0 && first < 0xdc00 ? half_at(escape + 6) : 0;
    if (second >= 0xdc00) {
      made += fmt::format("\\U{:08x}", 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
    } else if (first != 0) {
      made += "\\ufffd";
    } else {
      made.append(text, escape, 2);  // at the end: nothing, or the backslash alone
    }
    at = escape + (second >= 0xdc00 ? 12 : first != 0 ? 6 : 2);
  }
  return made;
}

}  // namespace

std::expected<openapi_found, std::string> openapi_routes_in(const std::string& path, const std::string& text) {
  // Only JSON begins with a brace and has strings in double quotes alone.
  const auto root = parse_yaml(path, text.starts_with('{') ? without_surrogates(text) : text, openapi_limits);
  if (!root) return std::unexpected(root.error());
  const auto refuse = [&](place at, std::string_view why) { return std::unexpected(error_at(path, at, why)); };
  const yaml_node* const paths = root->find("paths");
  const bool is_one = root->find("openapi") != nullptr || root->find("swagger") != nullptr;
  if (!is_one || paths == nullptr) {
    return refuse(root->at, "expected an OpenAPI or Swagger document: \"openapi\" or \"swagger\", and \"paths\"");
  }
  if (paths->is != yaml_node::form::map) return refuse(paths->at, "paths: expected a mapping, each key a path");
  const std::string base = base_of(*root);
  openapi_found found;
  for (const yaml_entry& each : paths->entries) {
    if (each.key.starts_with("x-")) continue;
    if (each.value.is != yaml_node::form::map) {
      return refuse(each.at, fmt::format("paths.{}: expected a mapping, each key a method", each.key));
    }
    const auto route = path_of(base + each.key);
    if (!route) {
      found.left_out.push_back(error_at(path, each.at, each.key));
      continue;
    }
    for (const char* const method : methods) {
      const yaml_node* const operation = each.value.find(method);
      if (operation == nullptr) continue;
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(), [](char c) { return static_cast<char>(c - 32); });
      found.routes.push_back(upper + " " + *route);
      if (found.routes.size() > most_openapi_routes) continue;  // refused below
      if (auto body = body_of(*root, *operation)) found.bodies.insert_or_assign(found.routes.back(), std::move(*body));
    }
  }
  // "/users/me" before "/users/{id}": what is plain is meant.
  std::ranges::sort(found.routes, {}, [](const std::string& route) {
    return std::pair(std::ranges::count(route, '{'), std::string_view(route));
  });
  if (found.routes.empty()) return refuse(paths->at, "paths: they name no route");
  if (found.routes.size() > most_openapi_routes) {
    return refuse(paths->at,
                  fmt::format("paths: {} routes; expected at most {}", found.routes.size(), most_openapi_routes));
  }
  return found;
}

std::expected<openapi_found, std::string> openapi_routes(const std::string& path) {
  const auto text = model::read_whole(path, openapi_limits.bytes);
  if (!text) return std::unexpected(text.error());
  return openapi_routes_in(path, *text);
}

}  // namespace assay::plan
