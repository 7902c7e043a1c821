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

}  // namespace

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
