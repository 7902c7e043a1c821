#include "lab/load/har.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "lab/model/feed.hpp"
#include "stack/http/message.hpp"

namespace assay::load {
namespace {

using json = nlohmann::json;

// Of the connection it was recorded on; HTTP/2 names the request line as fields that begin with a colon.
bool is_of_connection(std::string_view name) {
  constexpr std::array<std::string_view, 8> fields = {
      "host",       "connection", "content-length",   "transfer-encoding",
      "keep-alive", "upgrade",    "proxy-connection", "http2-settings"};
  return name.starts_with(':') ||
         std::ranges::any_of(fields, [name](auto each) { return http::equals_ignoring_case(name, each); });
}

// A member that is a text; nothing otherwise.
const std::string* text_in(const json& object, const char* member) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(member);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

constexpr std::string_view form_type = "application/x-www-form-urlencoded";

// As a browser sends a form (WHATWG URL, 5.2).
void append_form_text(std::string& to, std::string_view text) {
  for (const char each : text) {
    const bool is_letter = (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z');
    if (is_letter || (each >= '0' && each <= '9') || std::string_view("*-._").contains(each)) {
      to += each;
    } else if (each == ' ') {
      to += '+';
    } else {
      to += fmt::format("%{:02X}", static_cast<unsigned char>(each));
    }
  }
}

// A body that is told as the fields of a form. What is wrong with it; nothing when it has been read.
std::optional<std::string> read_form(const json& data, recorded_request& into) {
  const auto field = std::ranges::find_if(
      into.headers, [](const auto& each) { return http::equals_ignoring_case(each.first, "content-type"); });
  const bool has_type = field != into.headers.end();
  const std::string* type = text_in(data, "mimeType");
  const std::string declared = type != nullptr ? *type : has_type ? field->second : std::string(form_type);
  const std::string_view media = std::string_view(declared).substr(0, declared.find_first_of("; "));
  if (!http::equals_ignoring_case(media, form_type)) {
    return fmt::format("\"postData\" of {} has \"params\" and no \"text\": only those of {} can be put together", media,
                       form_type);
  }
  for (const json& each : data["params"]) {
    const std::string* name = text_in(each, "name");
    const std::string* value = text_in(each, "value");
    if (name == nullptr || text_in(each, "fileName") != nullptr) {
      return "expected the text \"name\", and no \"fileName\", in each of \"params\" in \"postData\"";
    }
    if (!into.body.empty()) into.body += '&';
    append_form_text(into.body, *name);
    into.body += '=';
    if (value != nullptr) append_form_text(into.body, *value);
  }
  if (!has_type) into.headers.emplace_back("Content-Type", form_type);
  return std::nullopt;
}

// `params` are read where there is no `text`, or an empty one.
std::optional<std::string> read_body(const json& data, recorded_request& into) {
  if (data.is_null()) return std::nullopt;
  const std::string* text = text_in(data, "text");
  const bool has_params = data.is_object() && data.contains("params") && data["params"].is_array();
  if (text == nullptr && !has_params) return "expected a \"text\" or a list of \"params\" in \"postData\"";
  if ((text == nullptr || text->empty()) && has_params && !data["params"].empty()) return read_form(data, into);
  if (text != nullptr) into.body = *text;
  return std::nullopt;
}

// What is wrong with it; nothing when it has been read.
std::optional<std::string> read_request(const json& entry, recorded_request& into) {
  if (!entry.is_object() || !entry.contains("request")) return "expected an object with a \"request\"";
  const json& request = entry["request"];
  const std::string* method = text_in(request, "method");
  const std::string* url = text_in(request, "url");
  if (method == nullptr || url == nullptr) return "expected the texts \"method\" and \"url\" in \"request\"";
  into.method = *method;
  into.url = *url;
  for (const json& field : request.value("headers", json::array())) {
    const std::string* name = text_in(field, "name");
    const std::string* value = text_in(field, "value");
    if (name == nullptr || value == nullptr) return "expected the texts \"name\" and \"value\" in each of \"headers\"";
    if (!is_of_connection(*name)) into.headers.emplace_back(*name, *value);
  }
  return request.contains("postData") ? read_body(request["postData"], into) : std::nullopt;
}

// What only a replay asks for; a member that is missing or of another type is not known.
void read_circumstances(const json& entry, har_entry& into) {
  if (const std::string* started = text_in(entry, "startedDateTime")) into.started = *started;
  if (const std::string* connection = text_in(entry, "connection")) into.connection = *connection;
  if (!entry.contains("response") || !entry["response"].is_object()) return;
  const auto status = entry["response"].find("status");
  if (status == entry["response"].end() || !status->is_number_unsigned()) return;
  const auto told = status->get<std::uint64_t>();
  if (told >= 100 && told <= 599) into.status = static_cast<int>(told);
}

}  // namespace

std::expected<std::vector<har_entry>, std::string> read_har_entries(const std::string& path) {
  const auto text = model::read_whole(path, most_recorded_bytes);
  if (!text) return std::unexpected(text.error());
  const json document = json::parse(*text, nullptr, false);
  const json* log = document.is_object() && document.contains("log") ? &document["log"] : nullptr;
  if (log == nullptr || !log->is_object() || !log->contains("entries") || !(*log)["entries"].is_array()) {
    return std::unexpected(path + ": expected a HAR file, a JSON object with \"log\" and in it a list of \"entries\"");
  }
  std::vector<har_entry> entries;
  std::size_t number = 0;
  for (const json& each : (*log)["entries"]) {
    har_entry read;
    if (const auto wrong = read_request(each, read.request)) {
      return std::unexpected(fmt::format("{}: entries[{}]: {}", path, number, *wrong));
    }
    ++number;
    read_circumstances(each, read);
    const std::string& url = read.request.url;
    if (url.starts_with("http://") || url.starts_with("https://")) entries.push_back(std::move(read));
  }
  if (entries.empty()) return std::unexpected(path + ": holds no http request");
  return entries;
}

std::expected<std::vector<recorded_request>, std::string> read_har(const std::string& path) {
  auto entries = read_har_entries(path);
  if (!entries) return std::unexpected(entries.error());
  std::vector<recorded_request> requests;
  for (har_entry& each : *entries) requests.push_back(std::move(each.request));
  return requests;
}

}  // namespace assay::load
