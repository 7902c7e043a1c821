#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "lab/subject/conformance.hpp"
#include "stack/http/client.hpp"

namespace assay::subject {
namespace {

using nlohmann::json;

constexpr std::size_t max_file_bytes = std::size_t{4} * 1024 * 1024;
constexpr std::size_t max_nesting = 32;
constexpr std::size_t max_nodes = 100'000;  // of expected JSON in all; aliases count each time

// Ends the decoding of a file; never leaves this one.
struct bad_file {
  YAML::Mark at;
  std::string why;
};

[[noreturn]] void refuse(const YAML::Node& node, const std::string& why) { throw bad_file{node.Mark(), why}; }

std::string text_of(const YAML::Node& node, std::string_view what) {
  if (!node.IsScalar()) refuse(node, fmt::format("{}: expected a text", what));
  return node.Scalar();
}

std::uint64_t number_of(const YAML::Node& node, std::string_view what, std::uint64_t low, std::uint64_t high) {
  const std::string text = text_of(node, what);
  std::uint64_t value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size() || value < low || value > high) {
    refuse(node, fmt::format("{}: expected a whole number from {} to {}, found \"{}\"", what, low, high, text));
  }
  return value;
}

// The members of a map, each key once and one of `known`; any key when that is empty.
std::vector<std::pair<std::string, YAML::Node>> members(const YAML::Node& node, std::string_view what,
                                                        const std::vector<std::string_view>& known = {}) {
  if (!node.IsMap()) refuse(node, fmt::format("{}: expected a map", what));
  std::set<std::string> seen;
  std::vector<std::pair<std::string, YAML::Node>> all;
  for (const auto& entry : node) {
    const std::string key = text_of(entry.first, fmt::format("key of {}", what));
    if (!seen.insert(key).second) refuse(entry.first, fmt::format("{}: \"{}\" stands twice", what, key));
    if (!known.empty() && std::ranges::find(known, key) == known.end()) {
      refuse(entry.first, fmt::format("{}: unknown key \"{}\"; there are: {}", what, key, fmt::join(known, ", ")));
    }
    all.emplace_back(key, entry.second);
  }
  return all;
}

class decoder {
 public:
  std::vector<conformance_check> checks(const YAML::Node& root);

 private:
  conformance_check check(const YAML::Node& node);
  void request(const YAML::Node& node, conformance_check& into);
  void expectation(const YAML::Node& node, conformance_check& into);
  json value(const YAML::Node& node, std::size_t depth);

  std::set<std::string> names_;
  std::size_t nodes_ = 0;
};

// A scalar that is not quoted and reads as JSON is that; every other one is a text.
json scalar_value(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!") return text;
  if (node.Tag() != "?" && !node.Tag().empty()) refuse(node, fmt::format("tag {} is not known", node.Tag()));
  json parsed = json::parse(text, nullptr, false);
  if (parsed.is_number_float() && !std::isfinite(parsed.get<double>())) refuse(node, "a number out of range");
  return parsed.is_primitive() && !parsed.is_discarded() && !parsed.is_string() ? parsed : json(text);
}

json decoder::value(const YAML::Node& node, std::size_t depth) {
  if (depth > max_nesting) refuse(node, fmt::format("json: more than {} levels", max_nesting));
  if (++nodes_ > max_nodes) refuse(node, fmt::format("json: more than {} values in the file", max_nodes));
  if (node.IsNull()) return nullptr;
  if (node.IsScalar()) return scalar_value(node);
  if (node.IsSequence()) {
    json list = json::array();
    for (const YAML::Node& each : node) list.push_back(value(each, depth + 1));
    return list;
  }
  json object = json::object();
  for (const auto& [name, each] : members(node, "json")) object[name] = value(each, depth + 1);
  return object;
}

std::vector<std::pair<std::string, std::string>> fields(const YAML::Node& node, std::string_view what) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, value] : members(node, what)) all.emplace_back(name, text_of(value, what));
  return all;
}

std::string repeated(const YAML::Node& node) {
  std::string text;
  std::uint64_t count = 0;
  bool counted = false;
  for (const auto& [key, value] : members(node, "body_repeat", {"text", "count"})) {
    if (key == "text") text = text_of(value, "body_repeat.text");
    if (key == "count") count = number_of(value, "body_repeat.count", 0, max_check_body);
    counted = counted || key == "count";
  }
  if (text.empty() || !counted) refuse(node, "body_repeat: expected text and count");
  if (count > max_check_body / text.size()) {
    refuse(node, fmt::format("body_repeat: a body of at most {} bytes", max_check_body));
  }
  std::string body;
  body.reserve(text.size() * count);
  for (; count > 0; count--) body += text;
  return body;
}

void decoder::request(const YAML::Node& node, conformance_check& into) {
  bool has_body = false;
  for (const auto& [key, value] : members(node, "request", {"method", "target", "headers", "body", "body_repeat"})) {
    if (key == "method") into.method = text_of(value, "request.method");
    if (key == "target") into.target = text_of(value, "request.target");
    if (key == "headers") into.headers = fields(value, "request.headers");
    if (key != "body" && key != "body_repeat") continue;
    if (has_body) refuse(value, "request: body and body_repeat exclude each other");
    has_body = true;
    into.body = key == "body" ? text_of(value, "request.body") : repeated(value);
  }
  if (into.target.empty() || into.target.front() != '/') refuse(node, "request: expected a target that begins with /");
  if (!http::valid_request({.verb = into.method, .target = into.target, .headers = into.headers})) {
    refuse(node, "request: method, target or headers cannot be sent (framing headers are the executor's)");
  }
}

bool is_pointer(const std::string& text) {
  if (!text.empty() && text.front() != '/') return false;
  for (std::size_t at = text.find('~'); at != std::string::npos; at = text.find('~', at + 1)) {
    if (at + 1 == text.size() || (text[at + 1] != '0' && text[at + 1] != '1')) return false;
  }
  return true;
}

void decoder::expectation(const YAML::Node& node, conformance_check& into) {
  for (const auto& [key, value] :
       members(node, "expect", {"status", "headers", "json", "json_lengths", "body_sha256"})) {
    if (key == "status") into.status = static_cast<int>(number_of(value, "expect.status", 200, 599));
    if (key == "headers") into.expected_headers = fields(value, "expect.headers");
    if (key == "json") into.expected_json = this->value(value, 0).dump(-1, ' ', false, json::error_handler_t::replace);
    if (key == "body_sha256") {
      into.expected_sha256 = text_of(value, "expect.body_sha256");
      const bool hex = into.expected_sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
      if (!hex || into.expected_sha256.size() != 64) refuse(value, "expect.body_sha256: expected 64 hex digits");
    }
    if (key != "json_lengths") continue;
    for (const auto& [pointer, length] : members(value, "expect.json_lengths")) {
      if (!is_pointer(pointer)) refuse(value, fmt::format("expect.json_lengths: \"{}\" is no JSON pointer", pointer));
      into.expected_lengths[pointer] = number_of(length, "expect.json_lengths", 0, max_nodes);
    }
  }
  if (into.status == 0) refuse(node, "expect: status is missing");
}

conformance_check decoder::check(const YAML::Node& node) {
  conformance_check made;
  for (const auto& [key, value] : members(node, "check", {"name", "request", "expect"})) {
    if (key == "name") made.name = text_of(value, "name");
    if (key == "name" && !names_.insert(made.name).second) {
      refuse(value, fmt::format("a check named \"{}\" stands above", made.name));
    }
    if (key == "request") request(value, made);
    if (key == "expect") expectation(value, made);
  }
  if (made.name.empty() || made.target.empty() || made.status == 0) {
    refuse(node, "check: expected name, request and expect");
  }
  return made;
}

std::vector<conformance_check> decoder::checks(const YAML::Node& root) {
  std::vector<conformance_check> all;
  for (const auto& [key, value] : members(root, "the file", {"checks"})) {
    if (!value.IsSequence() || value.size() == 0) refuse(value, "checks: expected a list that is not empty");
    if (value.size() > max_checks) refuse(value, fmt::format("checks: at most {}", max_checks));
    for (const YAML::Node& each : value) all.push_back(check(each));
  }
  if (all.empty()) refuse(root, "the file: expected checks");
  return all;
}

}  // namespace

std::expected<std::vector<conformance_check>, std::string> decode_checks(const std::string& text,
                                                                         const std::string& file) {
  const auto wrong = [&file](const YAML::Mark& at, const std::string& why) {
    if (at.is_null()) return std::unexpected(fmt::format("{}: {}", file, why));
    return std::unexpected(fmt::format("{}:{}:{}: {}", file, at.line + 1, at.column + 1, why));
  };
  if (text.size() > max_file_bytes) return wrong(YAML::Mark::null_mark(), "larger than 4 MiB");
  if (text.find('\0') != std::string::npos) return wrong(YAML::Mark::null_mark(), "it holds NUL bytes");
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() != 1) return wrong(YAML::Mark::null_mark(), "expected one YAML document with checks");
    return decoder().checks(documents.front());
  } catch (const bad_file& refused) {
    return wrong(refused.at, refused.why);
  } catch (const YAML::Exception& broken) {
    return wrong(broken.mark, broken.msg);
  }
}

std::expected<std::vector<conformance_check>, std::string> load_checks(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(max_file_bytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (file.bad() || text.empty()) return std::unexpected(fmt::format("{}: cannot be read, or is empty", path));
  return decode_checks(text, path);
}

}  // namespace assay::subject
