// Fuzzes the extensions field: no view leaves it, what a server answers is an answer that the client who offered it
// understands, and no answer makes a client read less than its server may send.
//
// The first byte is the client's options and the second the server's; the rest is the field, offered and answered.
#include <string>

#include "stack/http/websocket/extension.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;

websocket::deflate_options options_of(unsigned char byte) {
  return {.enabled = (byte & 1U) != 0, .context_takeover = (byte & 2U) != 0, .max_window_bits = 9 + (byte >> 2U) % 7};
}

std::optional<std::vector<websocket::extension>> parse(std::string_view value) {
  http::header_list headers;
  (void)headers.push_back({.name = "sec-websocket-extensions", .value = value});
  return websocket::parse_extensions(headers);
}

void check_range(const websocket::deflate_agreement& agreed) {
  fuzz::check(agreed.send_window_bits >= 8 && agreed.send_window_bits <= 15, "the window of sending is in range");
  fuzz::check(agreed.receive_window_bits >= 8 && agreed.receive_window_bits <= 15, "and that of receiving");
}

void check_views(const std::vector<websocket::extension>& all, std::string_view field) {
  for (const websocket::extension& each : all) {
    fuzz::check(!each.name.empty() && fuzz::lies_inside(each.name, field), "a name lies inside the field");
    for (const auto& [name, value] : each.parameters) {
      fuzz::check(!name.empty() && fuzz::lies_inside(name, field), "a parameter lies inside the field");
      fuzz::check(!value || (!value->empty() && fuzz::lies_inside(*value, field)), "so does its value");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const websocket::deflate_options client = options_of(data[0]);
  const websocket::deflate_options server = options_of(data[1]);
  const fuzz::exact_copy field({reinterpret_cast<const char*>(data) + 2, size - 2});
  const auto all = parse(field.view());
  if (!all) return 0;
  check_views(*all, field.view());
  const auto answer = websocket::deflate_answer(*all, client);
  if (answer && *answer) {
    check_range(**answer);
    fuzz::check(client.enabled, "only who offered it has agreed");
    fuzz::check((*answer)->send_window_bits <= client.max_window_bits, "we send with our own window at most");
  }
  const auto chosen = websocket::choose_deflate(*all, server);
  if (!chosen) return 0;
  check_range(chosen->agreed);
  fuzz::check(server.enabled, "only who has enabled it has agreed");
  fuzz::check(chosen->agreed.send_window_bits <= server.max_window_bits, "we send with our own window at most");
  const auto again = parse(chosen->answer);
  fuzz::check(again && again->size() == 1, "an answer is one extension");
  // To a client that leaves all to the server.
  const auto meant =
      websocket::deflate_answer(*again, {.enabled = true, .context_takeover = true, .max_window_bits = 15});
  fuzz::check(meant && *meant, "a client understands the answer");
  fuzz::check((*meant)->receive_window_bits >= chosen->agreed.send_window_bits, "the client can read the server");
  fuzz::check((*meant)->send_window_bits <= chosen->agreed.receive_window_bits, "the server can read the client");
  fuzz::check((*meant)->receive_takeover == chosen->agreed.send_takeover, "both know which context is kept");
  return 0;
}
