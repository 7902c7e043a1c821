#include "lab/subject/answer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lab/model/sha256.hpp"

namespace assay::subject {
namespace {

using nlohmann::json;

constexpr std::size_t max_shown_bytes = 200;

std::string shown(std::string_view text) {
  std::string cut(text.substr(0, max_shown_bytes));
  for (char& c : cut) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  }
  return text.size() > max_shown_bytes ? cut + "…" : cut;
}

// Bytes of the candidate that are no UTF-8 are replaced, not thrown about.
std::string shown_json(const json& value) { return shown(value.dump(-1, ' ', false, json::error_handler_t::replace)); }

std::string at(const std::string& pointer) { return pointer.empty() ? "the body" : pointer; }

std::string step(const std::string& pointer, std::string_view name) {
  std::string escaped;
  for (const char c : name) escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return pointer + "/" + escaped;
}

// Where and how `got` lacks something of `wanted`; empty when it has all of it. As deep as the check's own file.
std::string differs(const json& wanted, const json& got, const std::string& pointer) {
  const auto differ = [&] {
    return fmt::format("{} is {}, expected {}", at(pointer), shown_json(got), shown_json(wanted));
  };
  if (wanted.is_object()) {
    if (!got.is_object()) return differ();
    for (const auto& [name, value] : wanted.items()) {
      const auto found = got.find(name);
      if (found == got.end()) return fmt::format("{} is missing, expected {}", step(pointer, name), shown_json(value));
      if (std::string why = differs(value, *found, step(pointer, name)); !why.empty()) return why;
    }
    return {};
  }
  if (wanted.is_array()) {
    if (!got.is_array()) return differ();
    if (got.size() != wanted.size()) {
      return fmt::format("{} has {} elements, expected {}", at(pointer), got.size(), wanted.size());
    }
    for (std::size_t i = 0; i < wanted.size(); i++) {
      if (std::string why = differs(wanted[i], got[i], step(pointer, std::to_string(i))); !why.empty()) return why;
    }
    return {};
  }
  return wanted == got ? std::string() : differ();
}

std::string length_differs(const json& body, const std::string& pointer, std::uint64_t wanted) {
  const json::json_pointer where(pointer);  // its form was checked when the file was read
  if (!body.contains(where)) return fmt::format("{} is missing, expected an array of {}", at(pointer), wanted);
  const json& found = body.at(where);
  if (!found.is_array()) return fmt::format("{} is no array, expected one of {}", at(pointer), wanted);
  if (found.size() == wanted) return {};
  return fmt::format("{} has {} elements, expected {}", at(pointer), found.size(), wanted);
}

std::string body_differs(const conformance_check& check, const std::string& body) {
  if (!check.expected_sha256.empty()) {
    const std::string hash = model::sha256_hex(body);
    if (hash != check.expected_sha256) {
      return fmt::format("SHA-256 of the body is {}, expected {}", hash, check.expected_sha256);
    }
  }
  if (!check.expected_json && check.expected_lengths.empty()) return {};
  const json got = json::parse(body, nullptr, false);
  if (got.is_discarded()) return "the body is no JSON";
  if (check.expected_json) {
    if (std::string why = differs(json::parse(*check.expected_json), got, ""); !why.empty()) return why;
  }
  for (const auto& [pointer, length] : check.expected_lengths) {
    if (std::string why = length_differs(got, pointer, length); !why.empty()) return why;
  }
  return {};
}

std::string first_difference(const conformance_check& check, const http::client_response& got) {
  if (got.status != check.status) return fmt::format("status {}, expected {}", got.status, check.status);
  for (const auto& [name, begin] : check.expected_headers) {
    const std::string_view value = got.header(name);
    if (value.empty()) return fmt::format("header {} is missing, expected {}", name, begin);
    if (!value.starts_with(begin)) return fmt::format("header {} is {}, expected {}", name, shown(value), begin);
  }
  return body_differs(check, got.body);
}

}  // namespace

std::string compare(const conformance_check& check, const http::client_response& got) {
  std::string why = first_difference(check, got);
  if (!why.empty()) why += got.body.empty() ? "; no body" : "; body " + shown(got.body);
  return why;
}

}  // namespace assay::subject
