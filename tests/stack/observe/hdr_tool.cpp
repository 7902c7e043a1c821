// The command-line end of the histogram codec, for comparing it with other implementations of HdrHistogram.
//
//   hdr_tool encode LOWEST HIGHEST DIGITS   values on stdin, one a line   -> base64 of V2 compressed
//   hdr_tool decode                         base64 on stdin               -> "value count" a recorded bucket
//   hdr_tool summary                        base64 on stdin               -> count, min, max, mean and
//   quantiles
//
// A value of `decode` is the smallest of its bucket. Misuse (unknown mode, bad options, bad base64) exits
// with 2 and a line on stderr.
#include <charconv>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "stack/observe/histogram_codec.hpp"

namespace {

namespace observe = assay::observe;

constexpr int misuse = 2;

int fail(std::string_view reason) {
  std::cerr << "hdr_tool: " << reason << '\n';
  return misuse;
}

template <typename Integer>
std::optional<Integer> parse(std::string_view text) {
  Integer value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int encode(std::string_view lowest, std::string_view highest, std::string_view digits) {
  const auto lowest_value = parse<std::uint64_t>(lowest);
  const auto highest_value = parse<std::uint64_t>(highest);
  const auto digits_value = parse<int>(digits);
  if (!lowest_value || !highest_value || !digits_value) return fail("LOWEST HIGHEST DIGITS must be integers");
  auto recorded = observe::histogram::create({*lowest_value, *highest_value, *digits_value});
  if (!recorded) return fail(describe(recorded.error()));
  for (std::string line; std::getline(std::cin, line);) {
    const auto value = parse<std::uint64_t>(line);
    if (!value) return fail("not a value: " + line);
    recorded->record(*value);
  }
  std::cout << encode_v2_base64(*recorded) << '\n';
  return 0;
}

void print_buckets(const observe::histogram& decoded) {
  decoded.for_each_recorded(
      [](std::uint64_t lowest, std::uint64_t, std::uint64_t count) { std::cout << lowest << ' ' << count << '\n'; });
}

void print_summary(const observe::histogram& decoded) {
  std::cout << "count " << decoded.count() << "\nmin " << decoded.min() << "\nmax " << decoded.max() << '\n';
  std::cout << std::setprecision(17) << "mean " << decoded.mean() << '\n';
  for (const double quantile : {0.0, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0}) {
    std::cout << std::setprecision(5) << quantile << ' ' << decoded.value_at_quantile(quantile) << '\n';
  }
}

int read_back(void (*print)(const observe::histogram&)) {
  std::string text;
  std::getline(std::cin, text);
  const auto decoded = observe::decode_v2_base64(text);
  if (!decoded) return fail(describe(decoded.error()));
  print(*decoded);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "encode" && argc == 5) return encode(argv[2], argv[3], argv[4]);
  if (mode == "decode" && argc == 2) return read_back(print_buckets);
  if (mode == "summary" && argc == 2) return read_back(print_summary);
  return fail("usage: hdr_tool encode LOWEST HIGHEST DIGITS | decode | summary");
}
