// Fuzzes inflater and deflater: malformed and hostile streams end within their limit, cuts change nothing, and whatever
// is packed, in several messages of one context, unpacks to the same.
#include <algorithm>
#include <optional>
#include <string>

#include "stack/http/websocket/deflate.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;

constexpr std::size_t max_bytes = 5000;

struct unpacked {
  std::string bytes;
  std::optional<websocket::violation> refused;
  bool operator==(const unpacked&) const = default;
};

// One message after another of `with`; what a refusal leaves in `bytes` depends on the cuts, and is left out.
unpacked unpack(websocket::inflater& with, std::string_view input, bool in_pieces) {
  unpacked got;
  fuzz::cutter cuts(input);
  while (!input.empty() && !got.refused) {
    const std::size_t size = in_pieces ? cuts.next(input.size()) : input.size();
    const fuzz::exact_copy piece(input.substr(0, size));
    if (const auto added = with.add(piece.view(), got.bytes, max_bytes); !added) got.refused = added.error();
    fuzz::check(got.bytes.size() <= max_bytes + 1, "a message is within its limit");
    input.remove_prefix(size);
  }
  if (!got.refused) {
    if (const auto ended = with.end_message(got.bytes, max_bytes); !ended) got.refused = ended.error();
  }
  if (got.refused) got.bytes.clear();
  return got;
}

void check_hostile(std::string_view input, int window_bits) {
  websocket::inflater whole(window_bits);
  websocket::inflater pieces(window_bits);
  for (int message = 0; message < 2; ++message) {  // the second in the context that the first has left
    const unpacked got = unpack(whole, input, false);
    const unpacked cut = unpack(pieces, input, true);
    // Of a stream that reaches beyond a smaller window cuts decide whether it is refused, see inflater.
    fuzz::check(cut == got || (window_bits < 15 && (cut.refused || got.refused)), "a cut changes nothing");
    if (got.refused || cut.refused) return;
  }
}

void check_round_trip(std::string_view input, int window_bits, int level) {
  websocket::deflater packer(window_bits, level);
  websocket::inflater unpacker(window_bits);
  while (!input.empty()) {
    const std::string_view message = input.substr(0, std::min(input.size() / 2 + 1, max_bytes));
    std::string packed;
    packer.add(message, packed);
    fuzz::check(packed.size() <= message.size() + message.size() / 32 + 64, "noise grows by a bounded part");
    const unpacked got = unpack(unpacker, packed, true);
    fuzz::check(!got.refused && got.bytes == message, "what is packed unpacks to the same");
    input.remove_prefix(message.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_hostile(input, 8 + data[0] % 8);
  check_round_trip(input, 9 + data[0] % 7, 1 + data[0] / 7 % 9);
  return 0;
}
