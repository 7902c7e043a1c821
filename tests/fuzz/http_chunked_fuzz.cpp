// Fuzzes chunked_decoder: cutting the input anywhere changes neither the payload nor where it ends nor the
// verdict, and what was decoded decodes again when it is encoded as one chunk.
#include <array>
#include <string>

#include "stack/http/chunked.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;

struct decoded {
  std::string payload;
  std::size_t consumed = 0;
  http::chunk_state state = http::chunk_state::need_more;
  http::parse_error error{};
  bool operator==(const decoded&) const = default;
};

// Feeds one piece to its end; false when the decoder has come to a verdict.
bool feed_piece(http::chunked_decoder& decoder, std::string_view piece, decoded& result) {
  const fuzz::exact_copy bytes(piece);
  std::string_view left = bytes.view();
  while (!left.empty()) {
    const http::chunk_piece step = decoder.feed(left);
    fuzz::check(step.consumed <= left.size(), "no more is consumed than there is");
    fuzz::check(fuzz::lies_inside(step.payload, left.substr(0, step.consumed)), "payload lies in what is consumed");
    fuzz::check((step.state == http::chunk_state::payload) == !step.payload.empty(), "payload is not empty");
    result.payload.append(step.payload);
    result.consumed += step.consumed;
    result.state = step.state;
    if (step.state == http::chunk_state::error) result.error = step.error;
    if (step.state == http::chunk_state::error || step.state == http::chunk_state::done) return false;
    left.remove_prefix(step.consumed);
    fuzz::check(step.state == http::chunk_state::payload || left.empty(), "need_more has consumed everything");
  }
  result.state = http::chunk_state::need_more;  // where the payload happened to end is the cut's doing
  return true;
}

decoded decode(std::string_view input, const http::chunk_limits& limits, bool in_pieces) {
  http::chunked_decoder decoder(limits);
  fuzz::cutter cuts(input);
  decoded result;
  while (!input.empty()) {
    const std::size_t size = in_pieces ? cuts.next(input.size()) : input.size();
    if (!feed_piece(decoder, input.substr(0, size), result)) break;
    input.remove_prefix(size);
  }
  fuzz::check(decoder.done() == (result.state == http::chunk_state::done), "done() agrees with the state");
  return result;
}

void check_encodes(const std::string& payload) {
  std::string text;
  if (!payload.empty()) {
    std::array<char, http::max_chunk_header_bytes> header{};
    text.assign(header.data(), http::encode_chunk_header(payload.size(), header));
    text.append(payload).append(http::chunk_data_end);
  }
  text.append(http::last_chunk);
  const decoded again = decode(text, {}, true);
  fuzz::check(again.state == http::chunk_state::done && again.payload == payload && again.consumed == text.size(),
              "what is encoded decodes to the same");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const http::chunk_limits tight{.max_line_bytes = 12, .max_extension_bytes = 20, .max_trailer_bytes = 24};
  for (const http::chunk_limits& limits : {http::chunk_limits{}, tight}) {
    const decoded whole = decode(input, limits, false);
    fuzz::check(decode(input, limits, true) == whole, "a body in pieces decodes as in one piece");
    check_encodes(whole.payload);
  }
  return 0;
}
