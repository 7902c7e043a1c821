// What a peer may make a decoder keep (Autobahn 9 in small), compressed or not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {
namespace {

using ::testing::ElementsAre;

constexpr message_limits small{.max_frame_bytes = 200, .max_message_bytes = 1000};
constexpr deflate_agreement plain_deflate{};

std::string compress(std::string_view text) {
  std::string packed;
  deflater(15, 9).add(text, packed);
  return packed;
}

TEST(websocket_limits, a_frame_that_is_too_large_is_refused_by_its_header) {
  const std::string frame = from_client(opcode::text, std::string(201, 'x'));
  constexpr std::size_t header_bytes = 8;
  EXPECT_THAT(events_of(frame.substr(0, header_bytes), 1, small), ElementsAre("violation frame_too_large"));
  const std::string fits = from_client(opcode::text, std::string(200, 'x'));
  EXPECT_THAT(events_of(fits, 1, small), ElementsAre("text " + std::string(200, 'x')));
}

TEST(websocket_limits, a_claim_of_a_huge_frame_costs_nothing) {
  const std::string header = bytes_of("82 ff 7fffffffffffffff 00000000");
  EXPECT_THAT(events_of(header, 1, small), ElementsAre("violation frame_too_large"));
  constexpr message_limits wide{.max_frame_bytes = SIZE_MAX, .max_message_bytes = 1000};
  EXPECT_THAT(events_of(header, 1, wide), ElementsAre("violation message_too_large"));
}

TEST(websocket_limits, a_message_is_the_sum_of_its_fragments) {
  std::string frames = from_client(opcode::binary, std::string(200, 'x'), not_last);
  for (int i = 0; i < 3; ++i) frames += from_client(opcode::continuation, std::string(200, 'x'), not_last);
  const std::string fits = frames + from_client(opcode::continuation, std::string(200, 'x'));
  EXPECT_THAT(events_of(fits, 0, small), ElementsAre("binary " + std::string(1000, 'x')));
  const std::string full = frames + from_client(opcode::continuation, std::string(200, 'x'), not_last);
  const std::string too_much = full + from_client(opcode::continuation, "y");
  constexpr std::size_t header_bytes = 6;
  EXPECT_THAT(events_of(too_much.substr(0, full.size() + header_bytes), 0, small),
              ElementsAre("violation message_too_large"));
}

TEST(websocket_limits, each_message_has_the_whole_limit) {
  std::string bytes;
  for (int i = 0; i < 20; ++i) bytes += from_client(opcode::binary, std::string(200, 'x'));
  EXPECT_EQ(events_of(bytes, 0, small).size(), 20U);
}

TEST(websocket_limits, a_bomb_is_refused_as_it_unpacks) {
  const std::string bomb = compress(std::string(10'000'000, 'x'));
  ASSERT_LT(bomb.size(), 12'000U);
  constexpr message_limits roomy{.max_frame_bytes = 1 << 20, .max_message_bytes = 1 << 20};
  const std::string frame = compressed_from_client(opcode::binary, bomb);
  EXPECT_THAT(events_of(frame, 0, roomy, plain_deflate), ElementsAre("violation message_too_large"));
  EXPECT_THAT(events_of(frame, 100, roomy, plain_deflate), ElementsAre("violation message_too_large"));
  // In the first of the many kilobytes: 1 MiB of this is about 1 KiB.
  EXPECT_THAT(events_of(frame.substr(0, 1300), 0, roomy, plain_deflate), ElementsAre("violation message_too_large"));
}

TEST(websocket_limits, a_compressed_message_may_be_as_large_as_any_other) {
  constexpr message_limits exact{.max_frame_bytes = 10'000, .max_message_bytes = 10'000};
  const std::string fits(10'000, 'x');
  EXPECT_THAT(events_of(compressed_from_client(opcode::text, compress(fits)), 3, exact, plain_deflate),
              ElementsAre("text " + fits));
  EXPECT_THAT(events_of(compressed_from_client(opcode::text, compress(fits + "x")), 3, exact, plain_deflate),
              ElementsAre("violation message_too_large"));
}

TEST(websocket_limits, compressed_bytes_that_unpack_to_nothing_are_bounded_too) {
  // Empty stored blocks, without an end.
  std::string nothing;
  for (int i = 0; i < 36; ++i) nothing += bytes_of("00 00 00 ff ff");
  std::string bytes = compressed_from_client(opcode::binary, nothing, not_last);
  std::vector<std::string> seen;
  for (int frames = 1; frames < 20 && seen.empty(); ++frames) {
    seen = events_of(bytes, 0, small, plain_deflate);
    bytes += from_client(opcode::continuation, nothing, not_last);
  }
  EXPECT_THAT(seen, ElementsAre("violation message_too_large"));
}

TEST(websocket_limits, many_ends_of_a_stream_in_one_message_are_an_attack) {
  const std::string empty_final_block = bytes_of("03 00");
  std::string few;
  for (int i = 0; i < 16; ++i) few += empty_final_block;
  EXPECT_THAT(events_of(compressed_from_client(opcode::text, few + std::string(1, '\0')), 0, {}, plain_deflate),
              ElementsAre("text"));
  const std::string many = few + empty_final_block + std::string(1, '\0');
  EXPECT_THAT(events_of(compressed_from_client(opcode::text, many), 0, {}, plain_deflate),
              ElementsAre("violation bad_deflate"));
}

}  // namespace
}  // namespace assay::websocket::testing
