// The text of a message: what the user gave, with an id that tells this run and the message's number, wherever the
// server carries it back.
//
//   message_text text("{\"say\":\"{id}\"}", run);
//   text.render(7)                        // {"say":"assay-0000002a-000000000007"}
//   text.number_in(received)              // 7; nothing when there is no id of this run in it
//
// Misuse: taking a number from number_in() for one that was sent. The server may have made it up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::load {

inline constexpr std::string_view message_placeholder = "{id}";

class message_text {
 public:
  // Without a placeholder in `text` the id and a space go before it. `run` tells processes apart that load one server.
  message_text(std::string_view text, std::uint32_t run);

  // Valid until the next one.
  std::string_view render(std::uint64_t number);
  std::optional<std::uint64_t> number_in(std::string_view received) const;

 private:
  std::string prefix_;  // of the id
  std::string text_;    // with an id in it
  std::size_t digits_at_ = 0;
};

}  // namespace assay::load
