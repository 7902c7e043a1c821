#include "lab/plan/schema_example.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

#include "lab/model/number.hpp"

namespace assay::plan {
namespace {

using form = yaml_node::form;

std::string json_text(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    made += c >= 0 && c < ' ' ? fmt::format("\\u{:04x}", static_cast<unsigned>(c)) : std::string(1, c);
  }
  return made + "\"";
}

// A number as JSON writes it: no leading zero, no plus.
bool is_number(std::string_view text) {
  if (!model::parse_number(text)) return false;
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const bool leading_zero = digits.size() > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9';
  return !leading_zero && !digits.empty() && digits[0] >= '0' && digits[0] <= '9' && !digits.ends_with('.');
}
bool is_word(std::string_view text) { return text == "true" || text == "false" || text == "null"; }

std::string text_of(const yaml_node& of, std::string_view key) {
  const yaml_node* const found = of.find(key);
  return found != nullptr && found->is == form::scalar ? found->text : std::string();
}
std::optional<double> number_of(const yaml_node& of, std::string_view key) {
  const auto read = model::parse_number(text_of(of, key));
  return read && std::isfinite(*read) ? read : std::nullopt;
}

bool is_absent(const yaml_node& value) { return value.is == form::nothing; }

// Of a 3.1 document the type may be a list: the first that is not null.
std::string type_of(const yaml_node& schema) {
  const yaml_node* const type = schema.find("type");
  if (type != nullptr && type->is == form::list) {
    for (const yaml_node& each : type->items) {
      if (each.text != "null") return each.text;
    }
  }
  if (type != nullptr && type->is == form::scalar) return type->text;
  if (schema.find("properties") != nullptr) return "object";
  return schema.find("items") != nullptr ? "array" : "";
}

// Each with a value of the format (JSON Schema, 7.3; OpenAPI's own), of names that are reserved for examples.
std::string_view of_format(std::string_view format) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 12> known{
      {{"date-time", "2024-01-01T00:00:00Z"},
       {"date", "2024-01-01"},
       {"time", "00:00:00Z"},
       {"duration", "PT1S"},
       {"uuid", "00000000-0000-4000-8000-000000000000"},
       {"email", "user@example.com"},
       {"uri", "https://example.com/"},
       {"url", "https://example.com/"},
       {"hostname", "example.com"},
       {"ipv4", "192.0.2.1"},
       {"ipv6", "2001:db8::1"},
       {"byte", "dGV4dA=="}}};
  const auto* const found = std::ranges::find(known, format, &std::pair<std::string_view, std::string_view>::first);
  return found == known.end() ? std::string_view() : found->second;
}

class example_maker {
 public:
  explicit example_maker(const yaml_node& root) : root_(root) {}

  schema_example make(const yaml_node& schema) { return finish(value(schema, "", 0)); }
  schema_example make_of(const yaml_node& written, const yaml_node* schema) {
    return finish(as_written(written, schema, 0));
  }

 private:
  schema_example finish(std::string json) {
    if (why_not_.empty() && json.size() > most_example_bytes) refuse("the example would be too long");
    if (!why_not_.empty()) return {.json = {}, .why_not = std::move(why_not_), .made_up = {}};
    return {.json = std::move(json), .why_not = {}, .made_up = std::move(made_up_)};
  }

  std::string refuse(std::string why) {
    if (why_not_.empty()) why_not_ = std::move(why);
    return "null";
  }
  bool refused() const { return !why_not_.empty(); }
  std::string made_up(const std::string& at, std::string json) {
    made_up_.push_back(at);
    return json;
  }
  // Everything that is written is counted: references to references to large schemas multiply.
  bool is_too_much(int depth) {
    if (depth > most_schema_depth) refuse("its schema contains itself, or nests too deeply");
    if (++values_ > most_example_bytes) refuse("the example would be too long");
    return refused();
  }

  static std::string place_text(const std::string& at) { return at.empty() ? "" : at + ": "; }

  const yaml_node* followed(const yaml_node* schema) {
    for (int hops = 0; schema != nullptr && hops < most_schema_depth; ++hops) {
      const std::string reference = text_of(*schema, "$ref");
      if (reference.empty()) return schema;
      schema = node_at(root_, reference);
      if (schema == nullptr) refuse(fmt::format("{} is not in the document", in_quotes(reference)));
    }
    if (schema != nullptr) refuse("a reference leads to itself");
    return nullptr;
  }

  // The value that the schema itself gives.
  static const yaml_node* own_value(const yaml_node& schema) {
    for (const char* const key : {"example", "default", "const"}) {
      if (const yaml_node* found = schema.find(key); found != nullptr && !is_absent(*found)) return found;
    }
    for (const char* const key : {"examples", "enum"}) {
      const yaml_node* const found = schema.find(key);
      if (found != nullptr && found->is == form::list && !found->items.empty()) return &found->items.front();
    }
    return nullptr;
  }

  std::string as_written(const yaml_node& written, const yaml_node* schema, int depth) {
    if (is_too_much(depth)) return "null";
    if (schema != nullptr) schema = followed(schema);
    const std::string type = schema != nullptr ? type_of(*schema) : "";
    const auto inner = [&](const char* key) { return schema != nullptr ? schema->find(key) : nullptr; };
    switch (written.is) {
      case form::nothing:
        return "null";
      case form::scalar: {
        bytes_ += written.text.size();
        if (bytes_ > most_example_bytes) return refuse("the example would be too long");
        const bool is_other = type == "integer" || type == "number" || type == "boolean";
        const bool is_text = type == "string" || (written.quoted && !is_other);
        return !is_text && (is_number(written.text) || is_word(written.text)) ? written.text : json_text(written.text);
      }
      case form::list: {
        std::string made;
        for (const yaml_node& each : written.items) {
          made += (made.empty() ? "" : ",") + as_written(each, inner("items"), depth + 1);
        }
        return "[" + made + "]";
      }
      case form::map:
        break;
    }
    std::string made;
    const yaml_node* const properties = inner("properties");
    for (const yaml_entry& each : written.entries) {
      const yaml_node* const of = properties != nullptr ? properties->find(each.key) : nullptr;
      made += (made.empty() ? "" : ",") + json_text(each.key) + ":" + as_written(each.value, of, depth + 1);
    }
    return "{" + made + "}";
  }

  std::string value(const yaml_node& reference, const std::string& at, int depth) {
    if (is_too_much(depth)) return "null";
    const yaml_node* const schema = followed(&reference);
    if (schema == nullptr) return "null";
    if (const yaml_node* const own = own_value(*schema)) return as_written(*own, schema, depth);
    for (const char* const key : {"oneOf", "anyOf"}) {
      const yaml_node* const choice = schema->find(key);
      if (choice != nullptr && !choice->items.empty()) return value(choice->items.front(), at, depth + 1);
    }
    const std::string type = type_of(*schema);
    if (schema->find("allOf") != nullptr || type == "object") return object(*schema, at, depth);
    if (type == "array") return list(*schema, at, depth);
    if (type == "integer" || type == "number") return number(*schema, at, type == "integer");
    if (type == "boolean") return made_up(at, "true");
    if (type == "string") return text(*schema, at);
    return made_up(at, "null");
  }

  struct member {
    const yaml_node* schema = nullptr;
    bool required = false;
  };

  // Of the schema and all that it consists of; in the order of the document.
  void collect(const yaml_node& schema, std::vector<std::pair<std::string, member>>& into, int depth) {
    if (is_too_much(depth)) return;
    const auto place_of = [&](const std::string& name) -> member& {
      const auto found = std::ranges::find(into, name, &std::pair<std::string, member>::first);
      return found != into.end() ? found->second : into.emplace_back(name, member()).second;
    };
    if (const yaml_node* const all = schema.find("allOf")) {
      for (const yaml_node& each : all->items) {
        if (const yaml_node* const part = followed(&each)) collect(*part, into, depth + 1);
        if (refused()) return;
      }
    }
    if (const yaml_node* const properties = schema.find("properties")) {
      for (const yaml_entry& each : properties->entries) {
        if (is_too_much(depth)) return;
        place_of(each.key).schema = &each.value;
      }
    }
    if (const yaml_node* const required = schema.find("required"); required != nullptr) {
      for (const yaml_node& each : required->items) {
        if (is_too_much(depth)) return;
        place_of(each.text).required = true;
      }
    }
  }

  std::string object(const yaml_node& schema, const std::string& at, int depth) {
    std::vector<std::pair<std::string, member>> members;
    collect(schema, members, depth);
    std::string made;
    for (const auto& [name, each] : members) {
      const std::string place = fmt::format("{}/{}", at, name);
      const yaml_node* const of = each.schema != nullptr ? followed(each.schema) : nullptr;
      if (refused()) return "null";
      const bool is_the_services = of != nullptr && text_of(*of, "readOnly") == "true";
      if (is_the_services || (!each.required && (of == nullptr || own_value(*of) == nullptr))) continue;
      made += made.empty() ? "" : ",";
      made += json_text(name) + ":" + (of != nullptr ? value(*of, place, depth + 1) : made_up(place, "null"));
    }
    return "{" + made + "}";
  }

  std::string list(const yaml_node& schema, const std::string& at, int depth) {
    const yaml_node* const items = schema.find("items");
    const double wanted = std::max(number_of(schema, "minItems").value_or(1), 1.0);
    if (wanted > static_cast<double>(most_example_items))
      return refuse(place_text(at) + "too many items are asked for");
    if (items == nullptr || number_of(schema, "maxItems").value_or(1) < 1) return "[]";
    std::string made;
    for (std::size_t i = 0; i < static_cast<std::size_t>(wanted); ++i) {
      made += (i == 0 ? "" : ",") + value(*items, fmt::format("{}/{}", at, i), depth + 1);
    }
    return "[" + made + "]";
  }

  // The smallest that is allowed; 1 where nothing says.
  std::string number(const yaml_node& schema, const std::string& at, bool whole) {
    const double step = std::max(number_of(schema, "multipleOf").value_or(0), 0.0);
    const double unit = step > 0 ? step : whole ? 1 : 0.5;
    const auto bound = [&](const char* plain, const char* exclusive, double sign) -> std::optional<double> {
      const auto inclusive = number_of(schema, plain);
      if (const auto beyond = number_of(schema, exclusive)) return *beyond + sign * unit;  // 3.1
      const bool is_exclusive = text_of(schema, exclusive) == "true";                      // 3.0
      return inclusive ? std::optional(*inclusive + (is_exclusive ? sign * unit : 0)) : std::nullopt;
    };
    const auto least = bound("minimum", "exclusiveMinimum", 1);
    const auto most = bound("maximum", "exclusiveMaximum", -1);
    double value = least.value_or(std::min(1.0, most.value_or(1.0)));
    if (step > 0) value = std::ceil(value / step - 1e-9) * step;
    if (whole) value = std::ceil(value);
    if (most && value > *most) return refuse(place_text(at) + "no number fits its bounds");
    return made_up(at, whole ? fmt::format("{:.0f}", value) : fmt::format("{}", value));
  }

  std::string text(const yaml_node& schema, const std::string& at) {
    if (const std::string_view known = of_format(text_of(schema, "format")); !known.empty()) {
      return made_up(at, json_text(known));
    }
    if (schema.find("pattern") != nullptr) return refuse(place_text(at) + "nothing is made of a pattern");
    const double least = number_of(schema, "minLength").value_or(0);
    const double most = std::max(number_of(schema, "maxLength").value_or(most_example_text), 0.0);
    if (least > static_cast<double>(most_example_text)) return refuse(place_text(at) + "too long a text is asked for");
    std::string made = "text";
    while (static_cast<double>(made.size()) < least) made += "text";
    if (static_cast<double>(made.size()) > most) made.resize(static_cast<std::size_t>(most));
    return made_up(at, json_text(made));
  }

  const yaml_node& root_;
  std::size_t values_ = 0;
  std::size_t bytes_ = 0;  // of texts that are written in the document: each is in the example
  std::string why_not_;
  std::vector<std::string> made_up_;
};

// "~1" is a slash and "~0" a tilde within one step of a pointer (RFC 6901); "%7B" a byte.
std::string unescaped(std::string_view step) {
  std::string made;
  for (std::size_t i = 0; i < step.size(); ++i) {
    unsigned byte = 0;
    const std::string_view digits = step.substr(std::min(i + 1, step.size()), 2);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
    if (step[i] == '%' && digits.size() == 2 && failed == std::errc() && end == digits.data() + 2) {
      made += static_cast<char>(byte);
      i += 2;
    } else if (step[i] == '~' && (digits.starts_with('0') || digits.starts_with('1'))) {
      made += digits.front() == '0' ? '~' : '/';
      ++i;
    } else {
      made += step[i];
    }
  }
  return made;
}

}  // namespace

const yaml_node* node_at(const yaml_node& root, const std::string& reference) {
  if (!reference.starts_with("#/")) return nullptr;
  const yaml_node* at = &root;
  std::string_view rest = std::string_view(reference).substr(2);
  while (at != nullptr) {
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    at = at->find(unescaped(rest.substr(0, slash)));
    if (slash == rest.size()) break;
    rest.remove_prefix(slash + 1);
  }
  return at;
}

schema_example example_of(const yaml_node& root, const yaml_node& schema) { return example_maker(root).make(schema); }

schema_example example_as_written(const yaml_node& root, const yaml_node& value, const yaml_node* schema) {
  return example_maker(root).make_of(value, schema);
}

}  // namespace assay::plan
