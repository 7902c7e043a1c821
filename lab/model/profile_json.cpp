#include "lab/model/profile_json.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>

namespace assay::model {
namespace {

using nlohmann::json;

constexpr std::size_t most_routes = 100'000;

template <typename T>
void read(const json& from, const char* name, T& into) {
  into = from.at(name).get<T>();
}

template <typename T>
void read(const json& from, const char* name, std::optional<T>& into) {
  if (const auto found = from.find(name); found != from.end() && !found->is_null()) into = found->get<T>();
}

placeholder placeholder_of(const json& from) {
  placeholder made;
  read(from, "name", made.name);
  read(from, "shape", made.shape);
  read(from, "distinct", made.distinct);
  read(from, "zipf_exponent", made.zipf_exponent);
  read(from, "least", made.least);
  read(from, "greatest", made.greatest);
  return made;
}

route route_of(const json& from) {
  route made;
  read(from, "method", made.method);
  read(from, "path", made.path);
  read(from, "requests", made.requests);
  for (const auto& [text, count] : from.at("statuses").items()) {
    int status = 0;
    std::from_chars(text.data(), text.data() + text.size(), status);
    made.statuses[status] = count.get<std::uint64_t>();
  }
  for (const auto& [text, count] : from.at("query_keys").items()) made.query_keys[text] = count.get<std::uint64_t>();
  for (const json& each : from.at("placeholders")) made.placeholders.push_back(placeholder_of(each));
  return made;
}

template <typename Key, typename Value>
json object_of(const std::map<Key, Value>& from) {
  json made = json::object();
  for (const auto& [key, value] : from) {
    if constexpr (std::is_same_v<Key, std::string>) {
      made[key] = value;
    } else {
      made[std::to_string(key)] = value;
    }
  }
  return made;
}

template <typename T>
json nullable(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json document_of(const placeholder& of) {
  return {{"name", of.name},
          {"shape", of.shape},
          {"distinct", of.distinct},
          {"zipf_exponent", nullable(of.zipf_exponent)},
          {"top_tenth_share", of.top_tenth_share},
          {"least", nullable(of.least)},
          {"greatest", nullable(of.greatest)}};
}

json document_of(const route& of) {
  json made = {{"method", of.method},
               {"path", of.path},
               {"requests", of.requests},
               {"statuses", object_of(of.statuses)},
               {"query_keys", object_of(of.query_keys)},
               {"placeholders", json::array()},
               {"response_bytes_p50", of.response_bytes_p50},
               {"response_bytes_p99", of.response_bytes_p99}};
  for (const placeholder& each : of.placeholders) made["placeholders"].push_back(document_of(each));
  return made;
}

json document_of(const log_source& of) {
  return {{"path", of.path},
          {"sha256", of.sha256},
          {"format", of.format},
          {"lines", of.lines},
          {"kept", of.kept},
          {"rejected", object_of(of.rejected)},
          {"rejected_sample", object_of(of.rejected_sample)}};
}

json document_of(const arrivals& of) {
  return {{"first", of.first.time_since_epoch().count()},
          {"last", of.last.time_since_epoch().count()},
          {"requests", of.requests},
          {"mean_per_s", of.mean_per_s},
          {"median_hour_per_s", of.median_hour_per_s},
          {"busiest_hour_per_s", of.busiest_hour_per_s},
          {"busiest_second_per_s", of.busiest_second_per_s},
          {"dispersion", object_of(of.dispersion)},
          {"peak_to_mean", object_of(of.peak_to_mean)},
          {"hour_of_day", of.hour_of_day}};
}

}  // namespace

std::string profile_to_json(const profile& of) {
  json document = {
      {"version", of.version},
      {"tool_version", of.tool_version},
      {"resolution", of.resolution},
      {"sources", json::array()},
      {"routes", json::array()},
      {"arrival", document_of(of.arrival)},
      {"session",
       {{"key", of.session.key},
        {"count", of.session.count},
        {"idle_cut_s", of.session.idle_cut_s},
        {"requests_mean", of.session.requests_mean},
        {"think_time_p50_s", of.session.think_time_p50_s},
        {"think_time_p90_s", of.session.think_time_p90_s}}},
      {"errors", {{"errors", of.errors.errors}, {"bursts", of.errors.bursts}, {"longest", of.errors.longest}}}};
  for (const log_source& each : of.sources) document["sources"].push_back(document_of(each));
  for (const route& each : of.routes) document["routes"].push_back(document_of(each));
  // A log's bytes need not be UTF-8.
  return document.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::expected<profile, std::string> parse_profile(const std::string& text) {
  try {
    const json document = json::parse(text);
    profile made;
    read(document, "version", made.version);
    if (made.version != profile_version) {
      return std::unexpected("profile of version " + std::to_string(made.version) + ", expected " +
                             std::to_string(profile_version));
    }
    const json& routes = document.at("routes");
    if (routes.size() > most_routes) return std::unexpected("more than " + std::to_string(most_routes) + " routes");
    for (const json& each : routes) made.routes.push_back(route_of(each));
    const json& arrival = document.at("arrival");
    read(arrival, "requests", made.arrival.requests);
    read(arrival, "mean_per_s", made.arrival.mean_per_s);
    read(arrival, "median_hour_per_s", made.arrival.median_hour_per_s);
    read(arrival, "busiest_hour_per_s", made.arrival.busiest_hour_per_s);
    read(arrival, "busiest_second_per_s", made.arrival.busiest_second_per_s);
    return made;
  } catch (const json::exception& wrong) {
    return std::unexpected(std::string("no profile: ") + wrong.what());
  }
}

}  // namespace assay::model
