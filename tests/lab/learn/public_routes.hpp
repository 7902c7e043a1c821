// Requests to public APIs with the routes that they are documented to be of, read from data/public_routes.txt, and
// traffic made of them.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace assay::learn::test {

struct documented_route {
  std::string method;
  std::string path;  // with placeholders
  std::vector<std::string> requests;
};

struct value_form {
  std::string alternatives;
  std::size_t count = 0;
};

struct public_api {
  std::string name;
  std::string source;
  std::map<std::string, value_form> values;  // by placeholder
  std::vector<documented_route> routes;
};

// Throws what is wrong with the file, and where.
std::vector<public_api> read_public_apis(const std::string& file);

struct labelled_request {
  const documented_route* route = nullptr;
  std::string path;
};

// Between thirty and six hundred requests of each route, their values drawn by Zipf's law, in random order.
std::vector<labelled_request> traffic_of(const public_api& api, std::mt19937_64& random);

std::vector<std::string> segments_of(std::string_view path);

}  // namespace assay::learn::test
