// permessage-deflate: the examples of RFC 7692, and what zlib makes of the same.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "tests/stack/http/websocket/support.hpp"

namespace assay::websocket::testing {
namespace {

using ::testing::ElementsAre;

constexpr deflate_agreement fresh_each_time{};
constexpr deflate_agreement kept{.send_takeover = true, .receive_takeover = true};

std::string frames_from_client(std::initializer_list<std::string_view> compressed_messages) {
  std::string bytes;
  for (const std::string_view each : compressed_messages) bytes += compressed_from_client(opcode::text, each);
  return bytes;
}

std::vector<std::string> events(const std::string& bytes, const deflate_agreement& agreed = fresh_each_time) {
  std::vector<std::string> whole = events_of(bytes, 0, {}, agreed);
  EXPECT_EQ(events_of(bytes, 1, {}, agreed), whole) << "byte by byte";
  return whole;
}

TEST(websocket_deflate, the_examples_of_the_rfc) {
  // RFC 7692 sections 7.2.3.1 to 7.2.3.5
  const std::string hello = bytes_of("f2 48 cd c9 c9 07 00");
  EXPECT_THAT(events(frames_from_client({hello})), ElementsAre("text Hello"));
  EXPECT_THAT(events(compressed_from_client(opcode::text, hello.substr(0, 3), not_last) +
                     from_client(opcode::continuation, hello.substr(3))),
              ElementsAre("text Hello"));
  EXPECT_THAT(events(frames_from_client({hello, bytes_of("f2 00 11 00 00")}), kept),
              ElementsAre("text Hello", "text Hello"));
  EXPECT_THAT(events(frames_from_client({bytes_of("00 05 00 fa ff 48 65 6c 6c 6f 00")})), ElementsAre("text Hello"));
  EXPECT_THAT(events(frames_from_client({bytes_of("f3 48 cd c9 c9 07 00 00")})), ElementsAre("text Hello"));
  EXPECT_THAT(events(frames_from_client({bytes_of("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")})),
              ElementsAre("text Hello"));
  EXPECT_THAT(events(frames_from_client({bytes_of("00")})), ElementsAre("text"));
}

TEST(websocket_deflate, without_a_kept_context_nothing_of_the_last_message_is_known) {
  EXPECT_THAT(events(frames_from_client({bytes_of("f2 48 cd c9 c9 07 00"), bytes_of("f2 00 11 00 00")})),
              ElementsAre("text Hello", "violation bad_deflate"));
}

TEST(websocket_deflate, a_final_block_keeps_the_window) {
  // The first message ends its stream; the second refers to it all the same.
  EXPECT_THAT(events(frames_from_client({bytes_of("f3 48 cd c9 c9 07 00 00"), bytes_of("f2 00 11 00 00")}), kept),
              ElementsAre("text Hello", "text Hello"));
}

TEST(websocket_deflate, control_frames_come_between_and_are_never_compressed) {
  const std::string hello = bytes_of("f2 48 cd c9 c9 07 00");
  EXPECT_THAT(events(compressed_from_client(opcode::text, hello.substr(0, 3), not_last) +
                     from_client(opcode::ping, "p") + from_client(opcode::continuation, hello.substr(3))),
              ElementsAre("ping p", "text Hello"));
  EXPECT_THAT(events(compressed_from_client(opcode::ping, "")), ElementsAre("violation reserved_bits"));
  EXPECT_THAT(events(compressed_from_client(opcode::text, hello.substr(0, 3), not_last) +
                     compressed_from_client(opcode::continuation, hello.substr(3))),
              ElementsAre("violation reserved_bits"));
}

TEST(websocket_deflate, compressed_and_plain_messages_may_alternate) {
  const std::string hello = compressed_from_client(opcode::text, bytes_of("f2 48 cd c9 c9 07 00"));
  EXPECT_THAT(events(hello + from_client(opcode::text, "plain") + hello, kept),
              ElementsAre("text Hello", "text plain", "text Hello"));
}

TEST(websocket_deflate, what_is_no_deflate_is_refused) {
  for (const std::string_view bad : {"07", "00 05 00 00 00", "05 e0 81 91 24 cb"}) {
    EXPECT_THAT(events(frames_from_client({bytes_of(bad)})), ElementsAre("violation bad_deflate")) << bad;
  }
}

TEST(websocket_deflate, a_message_that_is_cut_short_is_refused) {
  EXPECT_THAT(events(frames_from_client({""})), ElementsAre("violation bad_deflate"));
  EXPECT_THAT(events(compressed_from_client(opcode::binary, bytes_of("00 05 00 fa ff 48 65"))),
              ElementsAre("violation bad_deflate"));
}

TEST(websocket_deflate, text_is_checked_behind_the_compression) {
  std::string packed;
  deflater(12, 6).add("fine so far \xed\xa0\x80", packed);
  EXPECT_THAT(events(compressed_from_client(opcode::text, packed)), ElementsAre("violation invalid_utf8"));
  EXPECT_THAT(events(compressed_from_client(opcode::binary, packed)), ElementsAre("binary fine so far \xed\xa0\x80"));
}

// Of words, so that there is something to compress.
std::string prose(std::mt19937& random, std::size_t size) {
  constexpr std::array words = {"order ", "price ", "0.5 ", "shop ", "{\"id\":", "}, "};
  std::string text;
  while (text.size() < size) text += words[random() % words.size()];
  text.resize(size);
  return text;
}

TEST(websocket_deflate, what_is_packed_unpacks_to_the_same_in_every_window) {
  std::mt19937 random(7);
  for (int bits = least_deflate_window_bits; bits <= 15; ++bits) {
    deflater kept_packer(bits, 6);
    inflater kept_unpacker(bits);
    for (const std::size_t size : {1U, 2U, 100U, 5000U, 40'000U, 100'000U}) {
      const std::string text = prose(random, size);
      std::string noise(size, '\0');
      for (char& byte : noise) byte = static_cast<char>(random());
      for (const std::string& message : {text, noise}) {
        std::string packed;
        kept_packer.add(message, packed);
        std::string unpacked;
        ASSERT_TRUE(kept_unpacker.add(packed, unpacked, size));
        ASSERT_TRUE(kept_unpacker.end_message(unpacked, size));
        ASSERT_EQ(unpacked, message) << bits << ' ' << size;
        if (size > 1000 && &message == &text) ASSERT_LT(packed.size(), size / 2);
      }
    }
  }
}

TEST(websocket_deflate, a_kept_context_makes_repetition_cheap) {
  deflater packer(12, 6);
  const std::string message = R"({"event":"price","shop":17,"price":"12.50","currency":"EUR"})";
  std::string first;
  packer.add(message, first);
  std::string second;
  packer.add(message, second);
  EXPECT_LT(second.size(), 10U);
  EXPECT_GT(first.size(), 40U);
}

TEST(websocket_deflate, zlib_s_own_streams_are_read_and_ours_are_read_by_zlib) {
  const std::string text = "zlib, zlib, zlib: a stream of its own making";
  std::string packed;
  deflater(15, 6).add(text, packed);
  packed += bytes_of("00 00 ff ff");
  z_stream stream{};
  ASSERT_EQ(::inflateInit2(&stream, -15), Z_OK);
  std::string unpacked(text.size() + 10, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(unpacked.data());
  stream.avail_out = static_cast<uInt>(unpacked.size());
  EXPECT_EQ(::inflate(&stream, Z_SYNC_FLUSH), Z_OK);
  unpacked.resize(unpacked.size() - stream.avail_out);
  EXPECT_EQ(unpacked, text);
  ::inflateEnd(&stream);
}

}  // namespace
}  // namespace assay::websocket::testing
