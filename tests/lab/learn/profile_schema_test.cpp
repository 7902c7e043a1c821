// The published JSON Schema of the profile, held against what is really written.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lab/learn/learn.hpp"
#include "lab/model/profile_json.hpp"
#include "lab/model/utc_text.hpp"

namespace assay::learn {
namespace {

using json = nlohmann::json;

// As much of JSON Schema as the file uses; a keyword that is not known here is an error, and so is a key of a value
// that the schema does not name.
class schema {
 public:
  explicit schema(json document) : document_(std::move(document)) {}

  std::vector<std::string> errors_of(const json& value) const {
    std::vector<std::string> errors;
    check(document_, value, "", errors);
    return errors;
  }

 private:
  using faults = std::vector<std::string>;

  static bool is_of_type(const std::string& type, const json& value) {
    return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
           (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
           (type == "null" && value.is_null()) || (type == "number" && value.is_number()) ||
           (type == "integer" && value.is_number_integer());
  }
  static bool is_of(const json& types, const json& value) {
    if (types.is_string()) return is_of_type(types.get<std::string>(), value);
    return std::any_of(types.begin(), types.end(),
                       [&](const json& each) { return is_of_type(each.get<std::string>(), value); });
  }

  // The patterns of the file, and no others.
  static bool matches(const std::string& pattern, const std::string& text) {
    if (pattern == "^/") return text.starts_with('/');
    if (pattern == "^[0-9]+$") return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
    const bool is_time = pattern == "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";
    return is_time && model::utc_from_text(text).has_value();
  }

  void check(const json& rule, const json& value, const std::string& at, faults& to) const {
    for (const auto& [keyword, what] : rule.items()) {
      if (!check_simple(keyword, what, value) && !check_nested(rule, keyword, value, at, to)) {
        to.push_back(at + ": " + keyword + " of " + value.dump());
      }
    }
  }

  // Whether the value is as the keyword says; false for keywords of the other kind, too.
  static bool check_simple(const std::string& keyword, const json& what, const json& value) {
    if (keyword == "$schema" || keyword == "title" || keyword == "description" || keyword == "$defs") return true;
    if (keyword == "type") return is_of(what, value);
    if (keyword == "const") return value == what;
    if (keyword == "enum") return std::find(what.begin(), what.end(), value) != what.end();
    if (keyword == "minimum") return !value.is_number() || value >= what;
    if (keyword == "maximum") return !value.is_number() || value <= what;
    if (keyword == "minLength") return !value.is_string() || value.get<std::string>().size() >= what.get<std::size_t>();
    if (keyword == "minItems") return !value.is_array() || value.size() >= what.get<std::size_t>();
    if (keyword == "maxItems") return !value.is_array() || value.size() <= what.get<std::size_t>();
    if (keyword == "pattern") return !value.is_string() || matches(what.get<std::string>(), value.get<std::string>());
    if (keyword != "required") return false;
    return std::all_of(what.begin(), what.end(),
                       [&](const json& key) { return value.contains(key.get<std::string>()); });
  }

  bool check_nested(const json& rule, const std::string& keyword, const json& value, const std::string& at,
                    faults& to) const {
    const json& what = rule[keyword];
    if (keyword == "$ref") {
      check(document_.at(json::json_pointer(what.get<std::string>().substr(1))), value, at, to);
    } else if (keyword == "anyOf") {
      return std::any_of(what.begin(), what.end(), [&](const json& each) {
        faults found;
        check(each, value, at, found);
        return found.empty();
      });
    } else if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        check(what, value[i], fmt::format("{}[{}]", at, i), to);
      }
    } else if (keyword == "properties" || keyword == "additionalProperties" || keyword == "propertyNames") {
      check_members(rule, keyword, value, at, to);
    } else {
      return false;
    }
    return true;
  }

  void check_members(const json& rule, const std::string& keyword, const json& value, const std::string& at,
                     faults& to) const {
    if (!value.is_object()) return;
    for (const auto& [key, each] : value.items()) {
      const std::string here = at + "." + key;
      if (keyword == "propertyNames") {
        check(rule[keyword], json(key), here, to);
      } else if (keyword == "additionalProperties") {
        check(rule[keyword], each, here, to);
      } else if (rule[keyword].contains(key)) {
        check(rule[keyword][key], each, here, to);
      } else {
        to.push_back(here + ": not in the schema");
      }
    }
  }

  json document_;
};

schema published() {
  std::ifstream file(ASSAY_DOCS "/profile.schema.json");
  return schema(json::parse(file));
}

std::string a_line(int second, std::mt19937_64& random) {
  return fmt::format(
      "192.0.2.{} - - [16/Nov/2026:{:02}:{:02}:{:02} +0100] \"GET /{} HTTP/1.1\" {} {} \"-\" \"agent {}\" {:.3f}\n",
      random() % 200, second / 3'600, second / 60 % 60, second % 60,
      random() % 3 == 0 ? "list?page=2" : fmt::format("items/{}", random() % 1'000), random() % 50 == 0 ? 503 : 200,
      500 * (1 + random() % 40), random() % 20, 0.001 * static_cast<double>(1 + random() % 300));
}

// Four hours of a log that has it all: durations, sessions, values in paths, some lines that are none.
json a_learned_profile() {
  std::mt19937_64 random(5);
  std::string content = "no line of a log\n";
  for (int second = 0; second < 14'400; ++second) {
    for (auto requests = random() % 3; requests > 0; --requests) content += a_line(second, random);
  }
  const std::string path =
      std::filesystem::temp_directory_path() / fmt::format("profile_schema_test_{}.log", ::getpid());
  std::ofstream(path, std::ios::binary) << content;
  const auto learned = learn({.files = {path}, .routes = {}});
  std::filesystem::remove(path);
  EXPECT_TRUE(learned) << learned.error();
  return json::parse(model::profile_json(learned.value_or(model::profile{})));
}

TEST(profile_schema, is_that_of_what_is_learned) {
  const json profile = a_learned_profile();
  EXPECT_THAT(published().errors_of(profile), testing::IsEmpty());
  for (const auto* pointer : {"/arrivals/hurst", "/arrivals/autocorrelation/1", "/service/latency", "/routes/0/latency",
                              "/sessions/paths/next/0/0", "/response_bytes_tail", "/measures/0", "/sources/0"}) {
    EXPECT_FALSE(profile.at(json::json_pointer(pointer)).is_null()) << pointer << " was to be checked";
  }
}

TEST(profile_schema, refuses_what_a_reader_refuses) {
  const json sound = a_learned_profile();
  const auto errors_with = [&](const std::string& pointer, const json& value) {
    json changed = sound;
    changed[json::json_pointer(pointer)] = value;
    return published().errors_of(changed);
  };
  EXPECT_THAT(errors_with("/requests", "ten"), testing::ElementsAre(R"(.requests: type of "ten")"));
  EXPECT_THAT(errors_with("/format", "assay.profile/2"), testing::SizeIs(1));
  EXPECT_THAT(errors_with("/routes/0/statuses/ok", 1), testing::SizeIs(1));
  EXPECT_THAT(errors_with("/routes/0/path", "items"), testing::SizeIs(1));
  EXPECT_THAT(errors_with("/arrivals/mean_per_s", -1), testing::SizeIs(1));
  EXPECT_THAT(errors_with("/arrivals/first", "yesterday"), testing::SizeIs(1));
  EXPECT_THAT(errors_with("/arrivals/hour_of_day", json::array({1, 2})), testing::SizeIs(1));
  EXPECT_THAT(errors_with("/sessions/length_law", "odd"), testing::SizeIs(1));
  EXPECT_THAT(errors_with("/later", 1), testing::ElementsAre(".later: not in the schema"));
  json missing = sound;
  missing["sessions"].erase("count");
  EXPECT_THAT(published().errors_of(missing), testing::SizeIs(1));
}

}  // namespace
}  // namespace assay::learn
