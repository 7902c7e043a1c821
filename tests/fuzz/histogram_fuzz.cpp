// Fuzzes the histogram decoders: the plain, the compressed and the base64 form of the same bytes are accepted
// or refused alike, an accepted histogram is consistent in itself and survives every encoding, and no input
// makes a decoder allocate beyond its limit.
#include <zlib.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "stack/observe/histogram_codec.hpp"
#include "tests/fuzz/fuzz_support.hpp"

namespace {

using namespace assay;
using bytes_view = std::span<const std::uint8_t>;

// Enough for the default layout; small, so that an execution stays fast.
constexpr observe::decode_limits limits{.buckets = std::size_t{1} << 16};

// The input as the content of a valid compressed form, because no mutation would get past zlib's checksum.
std::vector<std::uint8_t> wrap_compressed(bytes_view plain) {
  uLongf size = compressBound(static_cast<uLong>(plain.size()));
  std::vector<std::uint8_t> out(8 + size);
  fuzz::check(compress2(out.data() + 8, &size, plain.data(), static_cast<uLong>(plain.size()), 1) == Z_OK,
              "zlib compresses");
  const std::uint64_t header = std::uint64_t{0x1c849314} << 32 | size;
  for (unsigned i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(header >> (56 - 8 * i));
  out.resize(8 + size);
  return out;
}

void check_accepted(const observe::histogram& decoded) {
  fuzz::check(decoded.counts().size() <= limits.buckets, "the limit of buckets holds");
  std::uint64_t total = 0;
  std::uint64_t previous_highest = 0;
  decoded.for_each_recorded([&](std::uint64_t lowest, std::uint64_t highest, std::uint64_t count) {
    fuzz::check(total == 0 || lowest > previous_highest, "buckets ascend");
    fuzz::check(lowest <= highest && count > 0, "a recorded bucket holds values");
    previous_highest = highest;
    total += count;
  });
  fuzz::check(total == decoded.count() && total <= observe::histogram::max_total_count, "the counts add up");
  fuzz::check(decoded.max() == previous_highest, "the maximum is that of the last bucket");
  fuzz::check(decoded.value_at_quantile(1.0) == decoded.max(), "so is the last quantile");
  fuzz::check(decoded.value_at_quantile(0.0) == decoded.min(), "the first quantile is the minimum");
  fuzz::check(decode_v2(encode_v2(decoded), limits) == decoded, "survives V2");
  fuzz::check(observe::decode_v2_base64(encode_v2_base64(decoded), limits) == decoded, "survives base64");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input({reinterpret_cast<const char*>(data), size});
  const bytes_view bytes(reinterpret_cast<const std::uint8_t*>(input.view().data()), size);

  const auto plain = observe::decode_v2(bytes, limits);
  if (plain) check_accepted(*plain);
  const auto wrapped = observe::decode_v2_compressed(wrap_compressed(bytes), limits);
  fuzz::check(wrapped.has_value() == plain.has_value(), "compression decides nothing");
  fuzz::check(!plain || *plain == *wrapped, "compression changes nothing");

  if (const auto packed = observe::decode_v2_compressed(bytes, limits)) check_accepted(*packed);
  if (const auto text = observe::decode_v2_base64(input.view(), limits)) check_accepted(*text);
  return 0;
}
