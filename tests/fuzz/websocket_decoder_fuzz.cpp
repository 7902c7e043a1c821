// Fuzzes message_decoder: cutting the input anywhere changes neither the events nor where it refuses, limits hold, text
// is UTF-8, and a message that was read is read again when it is written as one frame.
//
// The first byte chooses the side and the compression; the rest is what arrives.
#include <string>
#include <vector>

#include "stack/http/websocket/close_code.hpp"
#include "stack/http/websocket/decoder.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;
using websocket::decoded;

constexpr websocket::message_limits limits{.max_frame_bytes = 4096, .max_message_bytes = 6000};

struct event {
  decoded::kind what = decoded::kind::need_more;
  std::string payload;
  websocket::message_kind kind{};
  websocket::violation why{};
  bool operator==(const event&) const = default;
};

struct setting {
  websocket::role from = websocket::role::client;
  std::optional<websocket::deflate_agreement> deflate;
};

setting setting_of(unsigned char byte) {
  setting chosen{.from = (byte & 1U) != 0 ? websocket::role::client : websocket::role::server, .deflate = {}};
  if ((byte & 2U) != 0) {
    // With a smaller window cuts do matter, see inflater; websocket_deflate_fuzz has those.
    chosen.deflate = {.receive_window_bits = 15, .receive_takeover = (byte & 4U) != 0};
  }
  return chosen;
}

void check_message(const websocket::message& got, const setting& with) {
  fuzz::check(got.payload.size() <= limits.max_message_bytes, "a message is within its limit");
  const bool text = got.kind == websocket::message_kind::text;
  fuzz::check(!text || websocket::is_utf8(got.payload), "text is UTF-8");
  if (got.payload.size() > limits.max_frame_bytes) return;
  std::string frame;
  const bool masked = with.from == websocket::role::client;
  websocket::append_frame(frame,
                          {.what = text ? websocket::opcode::text : websocket::opcode::binary,
                           .masked = masked,
                           .key = {'\x12', '\x34', '\x56', '\x78'}},
                          got.payload);
  websocket::message_decoder again(with.from, limits, with.deflate);
  const decoded step = again.feed(frame);
  fuzz::check(step.what == decoded::kind::message && step.consumed == frame.size(), "what is written is read");
  fuzz::check(again.between_messages(), "nothing is left of it");
  const websocket::message same = again.take_message();
  fuzz::check(same.kind == got.kind && same.payload == got.payload, "as the same message");
}

event event_of(websocket::message_decoder& decoder, const decoded& step, const setting& with) {
  event seen{.what = step.what, .payload = std::string(step.control), .kind = {}, .why = {}};
  fuzz::check(step.control.size() <= websocket::max_control_bytes, "a control frame is short");
  if (step.what == decoded::kind::violation) seen.why = step.why;
  if (step.what == decoded::kind::message) {
    const websocket::message got = decoder.take_message();
    check_message(got, with);
    seen.payload = got.payload;
    seen.kind = got.kind;
  }
  if (step.what == decoded::kind::close) {
    websocket::close_frame said;
    if (!websocket::parse_close(step.control, said)) {
      const std::string again = websocket::close_payload(said.code, said.reason);
      fuzz::check(again == step.control, "a close is written as it was read");
    }
  }
  return seen;
}

std::vector<event> events_of(std::string_view input, const setting& with, bool in_pieces) {
  websocket::message_decoder decoder(with.from, limits, with.deflate);
  fuzz::cutter cuts(input);
  std::vector<event> events;
  while (!input.empty()) {
    const std::size_t size = in_pieces ? cuts.next(input.size()) : input.size();
    const fuzz::exact_copy piece(input.substr(0, size));
    const decoded step = decoder.feed(piece.view());
    fuzz::check(step.consumed > 0 && step.consumed <= size, "it goes on, and not too far");
    input.remove_prefix(step.consumed);
    if (step.what == decoded::kind::need_more) {
      fuzz::check(step.consumed == size, "need_more has consumed everything");
      continue;
    }
    events.push_back(event_of(decoder, step, with));
    if (step.what == decoded::kind::violation || step.what == decoded::kind::close) break;
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const setting with = setting_of(data[0]);
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  fuzz::check(events_of(input, with, true) == events_of(input, with, false), "a cut changes nothing");
  return 0;
}
