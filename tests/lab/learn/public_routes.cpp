#include "tests/lab/learn/public_routes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

namespace assay::learn::test {
namespace {

constexpr double zipf = 0.9;
constexpr double fewest_requests = 30;
constexpr double most_requests = 600;
constexpr int most_tries = 20;  // a value; a form may not have as many as were asked for

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size())
    throw std::runtime_error("no number: " + std::string(text));
  return value;
}

std::vector<std::string> split_at(std::string_view text, char mark) {
  std::vector<std::string> parts;
  for (std::size_t begins = 0; begins <= text.size();) {
    const std::size_t ends = std::min(text.find(mark, begins), text.size());
    parts.emplace_back(text.substr(begins, ends - begins));
    begins = ends + 1;
  }
  return parts;
}

// Makes values of a form: "<w>-<i:1:99>|main".
class value_maker {
 public:
  explicit value_maker(std::mt19937_64& random) : random_(&random) {}

  std::string make(const std::string& form) {
    const std::vector<std::string> alternatives = split_at(form, '|');
    const std::string& chosen = alternatives[below(alternatives.size())];
    std::string made;
    for (std::size_t at = 0; at < chosen.size(); ++at) {
      if (chosen[at] != '<') {
        made += chosen[at];
        continue;
      }
      const std::size_t close = chosen.find('>', at);
      if (close == std::string::npos) throw std::runtime_error("expected >: " + form);
      made += part(split_at(std::string_view(chosen).substr(at + 1, close - at - 1), ':'));
      at = close;
    }
    return made;
  }

 private:
  std::size_t below(std::size_t end) { return static_cast<std::size_t>((*random_)() % end); }

  std::string word() {
    constexpr std::array syllables{"ba", "co", "di", "fa", "go", "hi", "ju", "ka",  "lo",  "mi",  "no",  "pe", "qua",
                                   "ri", "so", "tu", "va", "xo", "za", "el", "tor", "lin", "mar", "ber", "sen"};
    std::string made;
    for (std::size_t left = 2 + below(2); left > 0; --left) made += syllables[below(syllables.size())];
    return made;
  }

  std::string part(const std::vector<std::string>& token) {
    constexpr std::string_view all = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (token[0] == "w") return word();
    if (token[0] == "T") {
      std::string made = word();
      made[0] = static_cast<char>(made[0] - 'a' + 'A');
      return made;
    }
    if (token[0] == "i") {
      const std::int64_t low = number(token.at(1));
      return std::to_string(low +
                            static_cast<std::int64_t>(below(static_cast<std::size_t>(number(token.at(2)) - low + 1))));
    }
    const std::size_t kinds = token[0] == "d" ? 10 : token[0] == "h" ? 16 : token[0] == "x" ? all.size() : 0;
    if (kinds == 0) throw std::runtime_error("unknown part of a form: <" + token[0] + ">");
    std::string made;
    for (std::int64_t left = number(token.at(1)); left > 0; --left) made += all[below(kinds)];
    if (token[0] == "d" && made[0] == '0') made[0] = '1';
    return made;
  }

  std::mt19937_64* random_;
};

// So many different values of a form, the most popular first.
class value_pool {
 public:
  value_pool(const value_form& form, std::mt19937_64& random) {
    value_maker maker(random);
    std::set<std::string> seen;
    for (std::size_t tries = 0; seen.size() < form.count && tries < form.count * most_tries; ++tries) {
      const std::string made = maker.make(form.alternatives);
      if (seen.insert(made).second) values_.push_back(made);
    }
    double sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      sum += std::pow(static_cast<double>(i + 1), -zipf);
      until_.push_back(sum);
    }
  }
  const std::string& draw(std::mt19937_64& random) const {
    const double at = std::ldexp(static_cast<double>(random() >> 11U), -53) * until_.back();
    return values_[static_cast<std::size_t>(std::ranges::upper_bound(until_, at) - until_.begin())];
  }

 private:
  std::vector<std::string> values_;
  std::vector<double> until_;
};

void read_line(const std::string& line, std::vector<public_api>& apis) {
  std::istringstream words(line);
  std::string first;
  words >> first;
  if (first == "api") {
    apis.emplace_back();
    words >> apis.back().name;
    return;
  }
  public_api& api = apis.back();
  if (first == "from") {
    std::getline(words >> std::ws, api.source);
  } else if (first == "value") {
    value_form form;
    std::string name;
    if (!(words >> form.count >> form.alternatives)) throw std::runtime_error("expected a count and a form: " + line);
    while (words >> name) api.values[name] = form;
  } else if (line.starts_with("  /") && !api.routes.empty()) {
    api.routes.back().requests.push_back(first);
  } else {
    documented_route route{.method = first, .path = {}, .requests = {}};
    if (!(words >> route.path) || !route.path.starts_with('/')) throw std::runtime_error("not understood: " + line);
    api.routes.push_back(std::move(route));
  }
}

}  // namespace

std::vector<public_api> read_public_apis(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot open " + file);
  std::vector<public_api> apis;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && !line.starts_with('#')) read_line(line, apis);
  }
  return apis;
}

std::vector<std::string> segments_of(std::string_view path) { return split_at(path.substr(1), '/'); }

std::vector<labelled_request> traffic_of(const public_api& api, std::mt19937_64& random) {
  std::map<std::string, value_pool> pools;
  for (const auto& [name, form] : api.values) pools.emplace(name, value_pool(form, random));
  std::vector<labelled_request> all;
  for (const documented_route& route : api.routes) {
    const double part = std::ldexp(static_cast<double>(random() >> 11U), -53);
    const auto requests = static_cast<int>(fewest_requests * std::pow(most_requests / fewest_requests, part));
    const std::vector<std::string> segments = segments_of(route.path);
    for (int i = 0; i < requests; ++i) {
      std::string path;
      for (const std::string& segment : segments) {
        const std::size_t close = segment.starts_with('{') ? segment.find('}') : 0;
        path += '/';
        if (close == 0) {
          path += segment;
        } else {
          path += pools.at(segment.substr(1, close - 1)).draw(random) + segment.substr(close + 1);
        }
      }
      all.push_back({.route = &route, .path = std::move(path)});
    }
    for (const std::string& each : route.requests) all.push_back({.route = &route, .path = each});
  }
  std::ranges::shuffle(all, random);
  return all;
}

}  // namespace assay::learn::test
