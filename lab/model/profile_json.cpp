#include "lab/model/profile_json.hpp"

#include <charconv>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "lab/model/utc_text.hpp"

namespace assay::model {
namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view format_prefix = "assay.profile/";

template <typename Value>
json by_number(const std::map<int, Value>& values) {
  json object = json::object();
  for (const auto& [number, value] : values) object[std::to_string(number)] = value;
  return object;
}

template <typename Value>
json by_name(const std::map<std::string, Value>& values) {
  json object = json::object();
  for (const auto& [name, value] : values) object[name] = value;
  return object;
}

template <typename Value>
json or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json(nullptr);
}

json source_json(const log_source& of) {
  return {{"path", of.path},
          {"sha256", of.sha256},
          {"format", of.format},
          {"bytes", of.bytes},
          {"lines", of.lines},
          {"kept", of.kept},
          {"clock_anomalies", of.clock_anomalies},
          {"rejected", by_name(of.rejected)},
          {"rejected_sample", by_name(of.rejected_sample)}};
}

json placeholder_json(const placeholder& of) {
  return {{"name", of.name},
          {"shape", of.shape},
          {"distinct", of.distinct},
          {"distinct_capped", of.distinct_capped},
          {"zipf_exponent", or_null(of.zipf_exponent)},
          {"top_tenth_share", of.top_tenth_share},
          {"least", or_null(of.least)},
          {"greatest", or_null(of.greatest)},
          {"why", of.why}};
}

json route_json(const route& of) {
  json placeholders = json::array();
  for (const placeholder& each : of.placeholders) placeholders.push_back(placeholder_json(each));
  return {{"method", of.method},
          {"path", of.path},
          {"requests", of.requests},
          {"statuses", by_number(of.statuses)},
          {"query_keys", by_name(of.query_keys)},
          {"placeholders", std::move(placeholders)},
          {"response_bytes_p50", of.response_bytes_p50},
          {"response_bytes_p99", of.response_bytes_p99}};
}

json arrivals_json(const arrivals& of) {
  return {{"first", utc_text(of.first)},
          {"last", utc_text(of.last)},
          {"requests", of.requests},
          {"mean_per_s", of.mean_per_s},
          {"whole_hours", of.whole_hours},
          {"median_hour_per_s", of.median_hour_per_s},
          {"busiest_hour_per_s", of.busiest_hour_per_s},
          {"busiest_second_per_s", of.busiest_second_per_s},
          {"dispersion", by_number(of.dispersion)},
          {"peak_to_mean", by_number(of.peak_to_mean)},
          {"hour_of_day", of.hour_of_day},
          {"zone_minutes", of.zone_minutes},
          {"worst_minute", of.worst_minute}};
}

json measure_json(const measure& of) {
  return {{"kind", label(of.kind)}, {"of", of.of}, {"value", of.value}, {"error", of.error}, {"freedom", of.freedom}};
}

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
  // The same for a list of objects; their members' names begin with "name[i].".
  template <typename Fn>
  void each_object(const json& of, const std::string& where, const char* name, Fn&& use) {
    each(of, where, name, [&](const json& element, const std::string& here) {
      if (!element.is_object()) return fail(here, std::string("expected an object, found ") + kind(element));
      use(element, here + ".");
    });
  }

  double amount(const json& value, const std::string& where) {
    const double number = value.is_number() ? value.get<double>() : -1;
    if (!std::isfinite(number) || number < 0) {
      fail(where, "expected a number, 0 or more");
      return 0;
    }
    return number;
  }

 private:
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

// Shorthand: each line of a table below is a key and where it goes.
template <typename... Fields>
void read_all(decoder& from, const json& object, const std::string& where, Fields&&... fields) {
  (from.read(object, where, fields.first, fields.second), ...);
}

template <typename Value>
std::pair<const char*, Value&> key(const char* name, Value& to) {
  return {name, to};
}

void read_source(decoder& from, const json& object, const std::string& where, log_source& to) {
  read_all(from, object, where, key("path", to.path), key("sha256", to.sha256), key("format", to.format),
           key("bytes", to.bytes), key("lines", to.lines), key("kept", to.kept),
           key("clock_anomalies", to.clock_anomalies), key("rejected", to.rejected),
           key("rejected_sample", to.rejected_sample));
}

void read_route(decoder& from, const json& object, const std::string& where, route& to) {
  read_all(from, object, where, key("method", to.method), key("path", to.path), key("requests", to.requests),
           key("statuses", to.statuses), key("query_keys", to.query_keys),
           key("response_bytes_p50", to.response_bytes_p50), key("response_bytes_p99", to.response_bytes_p99));
  if (!to.path.starts_with('/')) from.fail(where + "path", "expected a path that begins with /");
  if (to.method.empty()) from.fail(where + "method", "expected a method such as GET");
  from.each_object(object, where, "placeholders", [&](const json& element, const std::string& below) {
    placeholder& each = to.placeholders.emplace_back();
    read_all(from, element, below, key("name", each.name), key("shape", each.shape), key("distinct", each.distinct),
             key("distinct_capped", each.distinct_capped), key("zipf_exponent", each.zipf_exponent),
             key("top_tenth_share", each.top_tenth_share), key("least", each.least), key("greatest", each.greatest));
    if (element.contains("why")) from.read(element, below, "why", each.why);  // not in profiles of older versions
    if (to.path.find("{" + each.name + "}") == std::string::npos) {
      from.fail(below + "name", "expected a placeholder of the path " + to.path);
    }
  });
}

void read_arrivals(decoder& from, const json& object, arrivals& to) {
  const std::string where = "arrivals.";
  read_all(from, object, where, key("first", to.first), key("last", to.last), key("requests", to.requests),
           key("mean_per_s", to.mean_per_s), key("whole_hours", to.whole_hours),
           key("median_hour_per_s", to.median_hour_per_s), key("busiest_hour_per_s", to.busiest_hour_per_s),
           key("busiest_second_per_s", to.busiest_second_per_s), key("dispersion", to.dispersion),
           key("peak_to_mean", to.peak_to_mean), key("zone_minutes", to.zone_minutes));
  from.each(object, where, "hour_of_day", [&](const json& element, const std::string& below) {
    to.hour_of_day.push_back(from.amount(element, below));
  });
  if (!to.hour_of_day.empty() && to.hour_of_day.size() != 24) from.fail(where + "hour_of_day", "expected 24 or none");
  if (to.last < to.first) from.fail(where + "last", "expected a time after arrivals.first");
  if (!object.contains("worst_minute")) return;  // profiles of older versions have none
  from.each(object, where, "worst_minute", [&](const json& element, const std::string& below) {
    if (!element.is_number_unsigned()) return from.fail(below, "expected a whole number, 0 or more");
    to.worst_minute.push_back(element.get<std::uint64_t>());
  });
  if (!to.worst_minute.empty() && to.worst_minute.size() != 60)
    from.fail(where + "worst_minute", "expected 60 or none");
}

// Profiles of older versions have none.
void read_measures(decoder& from, const json& document, std::vector<measure>& to) {
  if (!document.contains("measures")) return;
  from.each_object(document, "", "measures", [&](const json& object, const std::string& where) {
    measure each;
    std::string kind;
    read_all(from, object, where, key("kind", kind), key("of", each.of), key("value", each.value),
             key("error", each.error), key("freedom", each.freedom));
    const auto known = measure_kind_of(kind);
    if (!known) return;  // of a later version
    each.kind = *known;
    to.push_back(std::move(each));
  });
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

void read_document(decoder& from, const json& document, profile& to) {
  read_all(from, document, "", key("tool_version", to.tool_version), key("resolution", to.resolution),
           key("requests", to.requests), key("other", to.other), key("statuses", to.statuses),
           key("response_bytes_p50", to.response_bytes_p50), key("response_bytes_p99", to.response_bytes_p99));
  from.each_object(document, "", "sources", [&](const json& element, const std::string& where) {
    read_source(from, element, where, to.sources.emplace_back());
  });
  from.each_object(document, "", "routes", [&](const json& element, const std::string& where) {
    read_route(from, element, where, to.routes.emplace_back());
  });
  from.each(document, "", "notes", [&](const json& element, const std::string& where) {
    if (!element.is_string()) return from.fail(where, "expected text");
    to.notes.push_back(element.get<std::string>());
  });
  read_measures(from, document, to.measures);
  if (const json* object = from.member(document, "", "arrivals", &json::is_object, "an object")) {
    read_arrivals(from, *object, to.arrival);
  }
  if (const json* object = from.member(document, "", "sessions", &json::is_object, "an object")) {
    sessions& each = to.session;
    read_all(from, *object, "sessions.", key("key", each.key), key("count", each.count),
             key("idle_cut_s", each.idle_cut_s), key("requests_mean", each.requests_mean),
             key("think_time_p50_s", each.think_time_p50_s), key("think_time_p90_s", each.think_time_p90_s));
  }
  if (const json* object = from.member(document, "", "errors", &json::is_object, "an object")) {
    read_all(from, *object, "errors.", key("errors", to.errors.errors), key("bursts", to.errors.bursts),
             key("longest", to.errors.longest));
  }
}

}  // namespace

std::string profile_json(const profile& value) {
  json document;
  document["format"] = std::string(format_prefix) + std::to_string(profile_version);
  document["tool_version"] = value.tool_version;
  document["resolution"] = value.resolution;
  document["sources"] = json::array();
  for (const log_source& each : value.sources) document["sources"].push_back(source_json(each));
  document["requests"] = value.requests;
  document["routes"] = json::array();
  for (const route& each : value.routes) document["routes"].push_back(route_json(each));
  document["other"] = by_name(value.other);
  document["statuses"] = by_number(value.statuses);
  document["response_bytes_p50"] = value.response_bytes_p50;
  document["response_bytes_p99"] = value.response_bytes_p99;
  document["arrivals"] = arrivals_json(value.arrival);
  document["sessions"] = {{"key", value.session.key},
                          {"count", value.session.count},
                          {"idle_cut_s", value.session.idle_cut_s},
                          {"requests_mean", value.session.requests_mean},
                          {"think_time_p50_s", value.session.think_time_p50_s},
                          {"think_time_p90_s", value.session.think_time_p90_s}};
  document["errors"] = {
      {"errors", value.errors.errors}, {"bursts", value.errors.bursts}, {"longest", value.errors.longest}};
  document["measures"] = json::array();
  for (const measure& each : value.measures) document["measures"].push_back(measure_json(each));
  document["notes"] = value.notes;
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
  if (from.error().empty()) read_document(from, document, value);
  std::uint64_t counted = 0;
  for (const route& each : value.routes) counted += each.requests;
  for (const auto& [reason, count] : value.other) counted += count;
  if (counted != value.requests) from.fail("requests", "expected the sum of those of routes and other");
  if (!from.error().empty()) return std::unexpected(from.error());
  return value;
}

}  // namespace assay::model
