#include "lab/model/trial_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "lab/model/histogram_rebuild.hpp"
#include "lab/model/trial_fields.hpp"
#include "stack/observe/histogram_codec.hpp"
#include "stack/observe/quantile.hpp"

namespace assay::model {
namespace {

using json = nlohmann::ordered_json;
using fields_of_trial::fields;
using observe::uint128;

std::string format_name() { return "assay.trial/" + std::to_string(trial_version); }

constexpr std::array quantiles{std::pair{"p50", 0.5},  std::pair{"p90", 0.9},     std::pair{"p95", 0.95},
                               std::pair{"p99", 0.99}, std::pair{"p99.9", 0.999}, std::pair{"p99.99", 0.9999}};

constexpr auto values_of(phase_kind) {
  return std::array{phase_kind::warm_up, phase_kind::steady, phase_kind::burst, phase_kind::fault,
                    phase_kind::recovery};
}
constexpr auto values_of(lag_quality) {
  return std::array{lag_quality::none, lag_quality::sampled, lag_quality::traced};
}
constexpr auto values_of(trial_state) {
  return std::array{trial_state::complete, trial_state::invalid, trial_state::failed};
}

// No JSON number holds 128 bits exactly.
std::string digits(uint128 value) {
  std::string reversed;
  do {
    reversed.push_back(static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return {reversed.rbegin(), reversed.rend()};
}

std::optional<uint128> number_of(const std::string& text) {
  constexpr std::size_t most_digits = 38;  // below 2^127
  if (text.empty() || text.size() > most_digits) return std::nullopt;
  uint128 value = 0;
  for (const char each : text) {
    if (each < '0' || each > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(each - '0');
  }
  return value;
}

class writer {
 public:
  template <typename T>
  void operator()(const char* key, const T& value) {
    document_[key] = written(value);
  }

  json take() { return std::move(document_); }

 private:
  template <typename T>
  static json written(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return std::string(label(value));
    } else if constexpr (std::is_arithmetic_v<T> || std::same_as<T, std::string>) {
      return value;
    } else {
      writer inner;
      fields(inner, value);
      return inner.document_;
    }
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
  template <typename K, typename T>
  static json written(const std::map<K, T>& map) {
    json object = json::object();
    for (const auto& [key, value] : map) {
      if constexpr (std::same_as<K, int>) {
        object[std::to_string(key)] = value;
      } else {
        object[key] = value;
      }
    }
    return object;
  }
  static json written(const observe::histogram& source) {
    json object;
    object["count"] = source.count();
    const exact_statistics exact = exact_statistics_of(source);
    object["min_ns"] = exact.least;
    object["max_ns"] = exact.greatest;
    object["sum_ns"] = digits(exact.sum);
    object["saturated"] = exact.saturated;
    for (const auto& [name, q] : quantiles) {
      const auto value = observe::estimated_quantile(source, q);
      object[std::string(name) + "_ms"] = value ? json(static_cast<double>(*value) / 1e6) : json(nullptr);
    }
    object["hdr_v2"] = observe::encode_v2_base64(source);
    return object;
  }

  json document_ = json::object();
};

// Walks one object. The first failure is kept with its path; from then on nothing is read.
class reader {
 public:
  reader(const json& object, std::string path, std::string& failure)
      : object_(object), path_(std::move(path)), failure_(failure) {
    if (!object_.is_object()) fail(path_, "an object", object_);
  }

  template <typename T>
  void operator()(const char* key, T& value) {
    if (!failure_.empty()) return;
    const std::string where = path_.empty() ? key : path_ + "." + key;
    const auto found = object_.find(key);
    if (found == object_.end()) {
      failure_ = where + ": is missing";
      return;
    }
    ++known_;
    read(*found, where, value);
  }

  // Every key of the object has been asked for; `more` are those that are not fields.
  void expect_no_other(std::size_t more = 0) {
    if (!failure_.empty() || object_.size() == known_ + more) return;
    failure_ = (path_.empty() ? std::string("document") : path_) + ": holds a key that this version does not know";
  }

 private:
  void fail(const std::string& where, std::string_view expected, const json& found) {
    if (!failure_.empty()) return;
    failure_ = (where.empty() ? "document" : where) + ": expected " + std::string(expected) + ", found " +
               (found.is_string() ? "a string"
                : found.is_null() ? "null"
                                  : found.type_name());
  }

  void read(const json& from, const std::string& where, std::string& value) {
    if (!from.is_string()) return fail(where, "a string", from);
    value = from.get_ref<const std::string&>();
  }
  void read(const json& from, const std::string& where, bool& value) {
    if (!from.is_boolean()) return fail(where, "true or false", from);
    value = from.get<bool>();
  }
  void read(const json& from, const std::string& where, double& value) {
    if (from.is_null()) {
      value = std::numeric_limits<double>::quiet_NaN();
    } else if (from.is_number()) {
      value = from.get<double>();
    } else {
      fail(where, "a number", from);
    }
  }
  template <std::unsigned_integral T>
  void read(const json& from, const std::string& where, T& value) {
    if (!from.is_number_unsigned()) return fail(where, "a whole number, zero or more", from);
    const auto wide = from.get<std::uint64_t>();
    if (wide > std::numeric_limits<T>::max()) {
      failure_ = where + ": " + std::to_string(wide) + " is out of range";
      return;
    }
    value = static_cast<T>(wide);
  }
  template <typename T>
    requires std::is_enum_v<T>
  void read(const json& from, const std::string& where, T& value) {
    std::string wanted;
    for (const T each : values_of(T{})) {
      if (from.is_string() && from.get_ref<const std::string&>() == label(each)) {
        value = each;
        return;
      }
      wanted += (wanted.empty() ? "\"" : ", \"") + std::string(label(each)) + "\"";
    }
    fail(where, "one of " + wanted, from);
  }
  template <typename T>
  void read(const json& from, const std::string& where, std::optional<T>& value) {
    value.reset();
    if (!from.is_null()) read(from, where, value.emplace());
  }
  template <typename T>
  void read(const json& from, const std::string& where, std::vector<T>& list) {
    if (!from.is_array()) return fail(where, "a list", from);
    list.clear();
    list.reserve(from.size());
    for (const json& each : from) {
      if (!failure_.empty()) return;
      read(each, where + "[" + std::to_string(list.size()) + "]", list.emplace_back());
    }
  }
  template <typename K, typename T>
  void read(const json& from, const std::string& where, std::map<K, T>& map) {
    if (!from.is_object()) return fail(where, "an object", from);
    map.clear();
    for (const auto& [key, each] : from.items()) {
      if (!failure_.empty()) return;
      std::string inner = where;
      inner += '.';
      inner += key;
      if constexpr (std::same_as<K, int>) {
        int number = 0;
        const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), number);
        if (error != std::errc{} || end != key.data() + key.size()) {
          failure_ = inner + ": expected a whole number as key";
          return;
        }
        read(each, inner, map[number]);
      } else {
        read(each, inner, map[key]);
      }
    }
  }
  void read(const json& from, const std::string& where, observe::histogram& value) {
    reader inner(from, where, failure_);
    exact_statistics exact;
    std::uint64_t count = 0;
    std::string sum;
    std::string buckets;
    inner("count", count);
    inner("min_ns", exact.least);
    inner("max_ns", exact.greatest);
    inner("sum_ns", sum);
    inner("saturated", exact.saturated);
    inner("hdr_v2", buckets);
    inner.expect_no_other(quantiles.size());
    if (!failure_.empty()) return;
    const auto number = number_of(sum);
    if (!number) {
      failure_ = where + ".sum_ns: expected a whole number in digits";
      return;
    }
    exact.sum = *number;
    const auto decoded = observe::decode_v2_base64(buckets);
    if (!decoded) {
      failure_ = where + ".hdr_v2: " + std::string(observe::describe(decoded.error()));
      return;
    }
    auto whole = rebuild(*decoded, exact);
    if (!whole || count != decoded->count()) {
      failure_ = where + ": " + (whole ? "the count is not that of the buckets" : whole.error());
      return;
    }
    value = *std::move(whole);
  }
  template <typename T>
    requires std::is_class_v<T>
  void read(const json& from, const std::string& where, T& value) {
    reader inner(from, where, failure_);
    fields(inner, value);
    inner.expect_no_other();
  }

  const json& object_;
  std::string path_;
  std::string& failure_;
  std::size_t known_ = 0;
};

}  // namespace

std::string trial_to_json(const trial& measured) {
  writer top;
  top("format", format_name());
  fields(top, measured);
  return top.take().dump(-1, ' ', false, json::error_handler_t::replace);
}

std::expected<trial, std::string> trial_from_json(std::string_view document) {
  if (document.size() > max_trial_document_bytes) return std::unexpected("document: is larger than a trial can be");
  const json parsed = json::parse(document, nullptr, false);
  if (parsed.is_discarded()) return std::unexpected("document: is no JSON");
  std::string failure;
  reader top(parsed, "", failure);
  std::string format;
  top("format", format);
  if (failure.empty() && format != format_name()) {
    failure = "format: expected \"" + format_name() + "\", found \"" + format + "\": of another version of assay";
  }
  trial measured;
  fields(top, measured);
  top.expect_no_other();
  if (!failure.empty()) return std::unexpected(std::move(failure));
  return measured;
}

}  // namespace assay::model
