#include "lab/model/profile_json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "lab/model/profile_fields.hpp"
#include "lab/model/utc_text.hpp"

namespace assay::model {
namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view format_prefix = "assay.profile/";

class profile_writer {
 public:
  template <typename T>
  void operator()(const char* name, const T& value) {
    object_[name] = written(value);
  }
  template <typename T>
  void later(const char* name, const T& value) {
    object_[name] = written(value);
  }
  void any(const char* name, double value) { object_[name] = value; }
  json take() { return std::move(object_); }

  template <fields_of_profile::listed T>
  static json written(const T& of) {
    profile_writer io;
    fields_of_profile::fields(io, of);
    return io.take();
  }

 private:
  template <typename T>
    requires std::is_arithmetic_v<T>
  static json written(T value) {
    return value;
  }
  static json written(const std::string& value) { return value; }
  static json written(std::chrono::sys_seconds value) { return utc_text(value); }
  static json written(const measure& of) {
    return {{"kind", label(of.kind)}, {"of", of.of}, {"value", of.value}, {"error", of.error}, {"freedom", of.freedom}};
  }
  template <typename T>
  static json written(const std::optional<T>& value) {
    return value ? written(*value) : json(nullptr);
  }
  template <typename T>
  static json written(const std::vector<T>& list) {
    json array = json::array();
    for (const T& each : list) array.push_back(written(each));
    return array;
  }
  template <typename Key, typename T>
  static json written(const std::map<Key, T>& values) {
    json object = json::object();
    for (const auto& [key, value] : values) {
      if constexpr (std::is_same_v<Key, int>) {
        object[std::to_string(key)] = written(value);
      } else {
        object[key] = written(value);
      }
    }
    return object;
  }

  json object_ = json::object();
};

// Walks the document; keeps the first thing that is wrong, after which every value read is empty.
class decoder {
 public:
  const std::string& error() const { return error_; }

  void fail(const std::string& where, const std::string& why) {
    if (error_.empty()) error_ = where + ": " + why;
  }

  // The member `name`, of the kind that `is` tells; null when it is not there or of another kind.
  const json* member(const json& of, const std::string& where, const char* name, bool (json::*is)() const noexcept,
                     const char* expected) {
    if (!error_.empty()) return nullptr;
    const auto found = of.find(name);
    if (found == of.end()) {
      fail(where + name, std::string("expected ") + expected + ", the key is missing");
      return nullptr;
    }
    if (!((*found).*is)()) {
      fail(where + name, std::string("expected ") + expected + ", found " + kind(*found));
      return nullptr;
    }
    return &*found;
  }

  void read(const json& of, const std::string& where, const char* name, std::string& to) {
    if (const json* value = member(of, where, name, &json::is_string, "text")) to = value->get<std::string>();
  }
  void read(const json& of, const std::string& where, const char* name, bool& to) {
    if (const json* value = member(of, where, name, &json::is_boolean, "true or false")) to = value->get<bool>();
  }
  void read(const json& of, const std::string& where, const char* name, std::uint64_t& to) {
    const json* value = member(of, where, name, &json::is_number_unsigned, "a whole number, 0 or more");
    if (value != nullptr) to = value->get<std::uint64_t>();
  }
  void read(const json& of, const std::string& where, const char* name, int& to) {
    const json* value = member(of, where, name, &json::is_number_integer, "a whole number");
    if (value == nullptr) return;
    const auto number = value->get<std::int64_t>();
    constexpr std::int64_t largest = 1'000'000;
    if (number < -largest || number > largest) return fail(where + name, "out of range");
    to = static_cast<int>(number);
  }
  void read(const json& of, const std::string& where, const char* name, double& to) {
    const json* value = member(of, where, name, &json::is_number, "a number, 0 or more");
    if (value != nullptr) to = amount(*value, where + name);
  }
  void read(const json& of, const std::string& where, const char* name, std::chrono::sys_seconds& to) {
    std::string text;
    read(of, where, name, text);
    const auto at = utc_from_text(text);
    if (error_.empty() && !at) fail(where + name, "expected a time such as 2026-11-23T08:00:00Z");
    if (at) to = *at;
  }
  template <typename Value>
  void read(const json& of, const std::string& where, const char* name, std::optional<Value>& to) {
    if (const auto found = of.find(name); error_.empty() && found != of.end() && found->is_null()) return;
    if constexpr (std::is_same_v<Value, std::int64_t>) {
      const json* value = member(of, where, name, &json::is_number_integer, "a whole number or null");
      if (value != nullptr) to = value->get<std::int64_t>();
    } else {
      Value value{};
      read(of, where, name, value);
      to = value;
    }
  }
  void read(const json& of, const std::string& where, const char* name, unsigned& to) {
    std::uint64_t number = 0;
    read(of, where, name, number);
    to = static_cast<unsigned>(std::min<std::uint64_t>(number, std::numeric_limits<unsigned>::max()));
  }
  void read_any(const json& of, const std::string& where, const char* name, double& to) {
    const json* value = member(of, where, name, &json::is_number, "a number");
    if (value != nullptr) to = value->get<double>();
  }
  template <fields_of_profile::listed T>
  void read(const json& of, const std::string& where, const char* name, T& to) {
    const json* object = member(of, where, name, &json::is_object, "an object");
    if (object != nullptr) read_fields(*object, where + name + ".", to);
  }
  template <typename T>
  void read(const json& of, const std::string& where, const char* name, std::vector<T>& to) {
    each(of, where, name, [&](const json& element, const std::string& here) { read_element(element, here, to); });
  }

  // An object whose keys are numbers or names.
  template <typename Key, typename Value>
  void read(const json& of, const std::string& where, const char* name, std::map<Key, Value>& to) {
    const json* object = member(of, where, name, &json::is_object, "an object");
    if (object == nullptr) return;
    const std::string below = where + name + ".";
    for (const auto& [key, unused] : object->items()) {
      Value value{};
      read(*object, below, key.c_str(), value);
      if (!error_.empty()) return;
      if constexpr (std::is_same_v<Key, int>) {
        int number = 0;
        const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), number);
        if (failed != std::errc() || end != key.data() + key.size())
          return fail(below + key, "expected a number as key");
        to[number] = value;
      } else {
        to[key] = value;
      }
    }
  }
  // Calls use(element, "name[i]") for each element of an array.
  template <typename Fn>
  void each(const json& of, const std::string& where, const char* name, Fn&& use) {
    const json* array = member(of, where, name, &json::is_array, "a list");
    for (std::size_t i = 0; array != nullptr && i < array->size() && error_.empty(); ++i) {
      use((*array)[i], where + name + "[" + std::to_string(i) + "]");
    }
  }
  template <typename T>
  void read_fields(const json& object, const std::string& where, T& to);

  double amount(const json& value, const std::string& where) {
    const double number = value.is_number() ? value.get<double>() : -1;
    if (!std::isfinite(number) || number < 0) {
      fail(where, "expected a number, 0 or more");
      return 0;
    }
    return number;
  }

 private:
  void read_element(const json& element, const std::string& here, std::vector<std::uint64_t>& to) {
    if (!element.is_number_unsigned()) return fail(here, "expected a whole number, 0 or more");
    to.push_back(element.get<std::uint64_t>());
  }
  void read_element(const json& element, const std::string& here, std::vector<double>& to) {
    to.push_back(amount(element, here));
  }
  void read_element(const json& element, const std::string& here, std::vector<std::string>& to) {
    if (!element.is_string()) return fail(here, "expected text");
    to.push_back(element.get<std::string>());
  }
  void read_element(const json& element, const std::string& here, std::vector<std::vector<std::uint64_t>>& to) {
    if (!element.is_array()) return fail(here, "expected a list");
    std::vector<std::uint64_t>& row = to.emplace_back();
    for (const json& value : element) read_element(value, here, row);
  }
  template <fields_of_profile::listed T>
  void read_element(const json& element, const std::string& here, std::vector<T>& to) {
    if (!element.is_object()) return fail(here, std::string("expected an object, found ") + kind(element));
    read_fields(element, here + ".", to.emplace_back());
  }
  // Kinds of a later version are left out.
  void read_element(const json& element, const std::string& here, std::vector<measure>& to) {
    if (!element.is_object()) return fail(here, std::string("expected an object, found ") + kind(element));
    measure made;
    std::string label;
    read(element, here + ".", "kind", label);
    read(element, here + ".", "of", made.of);
    read(element, here + ".", "value", made.value);
    read(element, here + ".", "error", made.error);
    read(element, here + ".", "freedom", made.freedom);
    const auto known = measure_kind_of(label);
    if (!known) return;
    made.kind = *known;
    to.push_back(std::move(made));
  }
  static std::string kind(const json& value) {
    if (value.is_number() && value.is_number_float()) return "the number " + value.dump();
    if (value.is_number()) return "the whole number " + value.dump();
    return value.is_null()     ? "null"
           : value.is_object() ? "an object"
           : value.is_array()  ? "a list"
           : value.is_string() ? "text"
                               : "true or false";
  }

  std::string error_;
};

class profile_reader {
 public:
  profile_reader(decoder& from, const json& object, const std::string& where)
      : from_(from), object_(object), where_(where) {}

  template <typename T>
  void operator()(const char* name, T& to) {
    from_.read(object_, where_, name, to);
  }
  template <typename T>
  void later(const char* name, T& to) {
    if (object_.contains(name)) from_.read(object_, where_, name, to);
  }
  void any(const char* name, double& to) { from_.read_any(object_, where_, name, to); }

 private:
  decoder& from_;
  const json& object_;
  const std::string& where_;
};

template <typename T>
void decoder::read_fields(const json& object, const std::string& where, T& to) {
  profile_reader io(*this, object, where);
  fields_of_profile::fields(io, to);
}

void check_version(decoder& from, const json& document) {
  std::string format;
  from.read(document, "", "format", format);
  if (!from.error().empty()) return;
  if (!format.starts_with(format_prefix))
    return from.fail("format", "expected \"assay.profile/1\": this is no profile");
  if (format != std::string(format_prefix) + std::to_string(profile_version)) {
    from.fail("format", "this assay reads assay.profile/" + std::to_string(profile_version) +
                            ", the file is another version; learn the log again");
  }
}

void check_route(decoder& from, const route& of, const std::string& where) {
  if (!of.path.starts_with('/')) from.fail(where + "path", "expected a path that begins with /");
  if (of.method.empty()) from.fail(where + "method", "expected a method such as GET");
  for (std::size_t i = 0; i < of.placeholders.size(); ++i) {
    if (of.path.find("{" + of.placeholders[i].name + "}") != std::string::npos) continue;
    from.fail(where + "placeholders[" + std::to_string(i) + "].name", "expected a placeholder of the path " + of.path);
  }
}

void check_arrivals(decoder& from, const arrivals& of) {
  const auto expect = [&](const char* name, std::size_t size, std::size_t expected) {
    if (size == 0 || size == expected) return;
    from.fail(std::string("arrivals.") + name, "expected " + std::to_string(expected) + " or none");
  };
  expect("hour_of_day", of.hour_of_day.size(), 24);
  expect("worst_minute", of.worst_minute.size(), 60);
  expect("hour_of_week", of.hour_of_week.size(), 168);
  if (of.last < of.first) from.fail("arrivals.last", "expected a time after arrivals.first");
}

void check_paths(decoder& from, const session_paths& of) {
  const std::string where = "sessions.paths.";
  const auto expect = [&](const std::string& name, std::size_t size) {
    if (size != of.routes.size()) from.fail(where + name, "expected as many as sessions.paths.routes");
  };
  expect("entries", of.entries.size());
  expect("next", of.next.size());
  for (std::size_t i = 0; i < of.next.size(); ++i) expect("next[" + std::to_string(i) + "]", of.next[i].size());
}

// What the types of the values do not say.
void check_values(decoder& from, const profile& of) {
  for (std::size_t i = 0; i < of.routes.size(); ++i) {
    check_route(from, of.routes[i], "routes[" + std::to_string(i) + "].");
  }
  check_arrivals(from, of.arrival);
  check_paths(from, of.session.paths);
  std::uint64_t counted = 0;
  for (const route& each : of.routes) counted += each.requests;
  for (const auto& [reason, count] : of.other) counted += count;
  if (counted != of.requests) from.fail("requests", "expected the sum of those of routes and other");
}

}  // namespace

std::string profile_json(const profile& value) {
  json document;
  document["format"] = std::string(format_prefix) + std::to_string(profile_version);
  document.update(profile_writer::written(value));
  // A file's name need not be UTF-8.
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::expected<profile, std::string> profile_from_json(std::string_view text) {
  if (text.size() > max_profile_bytes) return std::unexpected("a profile has at most 64 MiB");
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) return std::unexpected("is not JSON; expected a profile, as assay learn -o writes it");
  if (!document.is_object()) return std::unexpected("expected a JSON object; is no profile");
  decoder from;
  profile value;
  check_version(from, document);
  if (from.error().empty()) from.read_fields(document, "", value);
  check_values(from, value);
  if (!from.error().empty()) return std::unexpected(from.error());
  return value;
}

}  // namespace assay::model
