#include "subjects/shop/cpp/metrics.hpp"

#include <fmt/format.h>

#include <iterator>

namespace shop {

void metrics::count(assay::http::method verb, std::string_view route, int status) {
  for (series& each : series_) {
    if (each.verb == verb && each.status == status && each.route == route) {
      each.requests++;
      return;
    }
  }
  series_.push_back({verb, route, status, 1});
}

void metrics::append_to(std::string& text) const {
  text += "# HELP http_requests_total Requests answered.\n# TYPE http_requests_total counter\n";
  for (const series& each : series_) {
    fmt::format_to(std::back_inserter(text), "http_requests_total{{method=\"{}\",route=\"{}\",status=\"{}\"}} {}\n",
                   assay::http::to_string_view(each.verb), each.route, each.status, each.requests);
  }
}

}  // namespace shop
