#include "lab/model/recorded_traffic.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace assay::model {
namespace {

// Moves "http://host" of an absolute target to the host, and drops what only a browser uses.
void take_apart(traffic_request& request) {
  const std::string_view target = request.target.substr(0, request.target.find('#'));
  request.target = target;
  const std::size_t scheme = target.find("://");
  if (target.starts_with('/') || (scheme != 4 && scheme != 5)) return;
  const std::size_t path = std::min(target.find_first_of("/?", scheme + 3), target.size());
  if (request.host.empty()) request.host = target.substr(scheme + 3, path - scheme - 3);
  request.target = path == target.size() ? "/" : target.substr(path);
}

template <typename Size>
bool fits(std::string_view text) {
  return text.size() <= std::numeric_limits<Size>::max();
}

}  // namespace

bool recorded_traffic::add(const traffic_request& given) {
  traffic_request request = given;
  take_apart(request);
  const std::size_t bytes =
      request.method.size() + request.target.size() + request.host.size() + request.fields.size() + request.body.size();
  const bool full = entries_.size() == max_recorded_requests || bytes > max_recorded_bytes - text_.size();
  if (full || !fits<std::uint8_t>(request.method) || !fits<std::uint16_t>(request.host)) return false;
  entries_.push_back({.at = request.at,
                      .begins = text_.size(),
                      .client = request.client,
                      .target_bytes = static_cast<std::uint32_t>(request.target.size()),
                      .fields_bytes = static_cast<std::uint32_t>(request.fields.size()),
                      .body_bytes = static_cast<std::uint32_t>(request.body.size()),
                      .host_bytes = static_cast<std::uint16_t>(request.host.size()),
                      .status = static_cast<std::uint16_t>(request.status),
                      .method_bytes = static_cast<std::uint8_t>(request.method.size()),
                      .whole = request.whole});
  for (const std::string_view part : {request.method, request.target, request.host, request.fields, request.body}) {
    text_ += part;
  }
  clients_ = std::max(clients_, request.client + 1);
  return true;
}

void recorded_traffic::order() {
  // The text lies in the order in which they came.
  std::ranges::sort(entries_, {}, [](const entry& each) { return std::pair(each.at, each.begins); });
  if (entries_.empty()) return;
  const std::chrono::nanoseconds first = entries_.front().at;
  for (entry& each : entries_) each.at -= first;
}

traffic_request recorded_traffic::operator[](std::size_t index) const {
  const entry& of = entries_[index];
  std::string_view rest = std::string_view(text_).substr(of.begins);
  const auto take = [&rest](std::size_t bytes) {
    const std::string_view part = rest.substr(0, bytes);
    rest.remove_prefix(bytes);
    return part;
  };
  traffic_request request{.at = of.at, .client = of.client, .status = of.status};
  request.method = take(of.method_bytes);
  request.target = take(of.target_bytes);
  request.host = take(of.host_bytes);
  request.fields = take(of.fields_bytes);
  request.body = take(of.body_bytes);
  request.whole = of.whole;
  return request;
}

bool append_field(std::string& to, std::string_view name, std::string_view value) {
  const auto ends_line = [](char c) { return c == '\r' || c == '\n' || c == '\0'; };
  if (name.empty() || name.find(':') != std::string_view::npos) return false;
  if (std::ranges::any_of(name, ends_line) || std::ranges::any_of(value, ends_line)) return false;
  to.append(name).append(": ").append(value).append("\r\n");
  return true;
}

}  // namespace assay::model
