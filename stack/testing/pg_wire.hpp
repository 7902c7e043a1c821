// The server's side of PostgreSQL's protocol, version 3: messages as bytes, and one connection as a state machine over
// bytes. Internal to fake_postgres.
//
// Misuse: untrusted peers. It trusts its client, which is libpq.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stack/testing/fake_postgres.hpp"

namespace assay::testing::detail {

class pg_session {
 public:
  // Asked for each statement that is executed.
  using executor = std::function<pg_reply(const pg_statement&)>;
  explicit pg_session(executor execute) : execute_(std::move(execute)) {}

  enum class state : std::uint8_t { open, hangs, closed };

  // Takes bytes of the client and appends what is to be sent.
  state take(std::string_view bytes, std::string& to);

 private:
  bool take_startup(std::string& to);
  void take_message(char type, std::string_view body, std::string& to);
  void parse(std::string_view body, std::string& to);
  void bind(std::string_view body, std::string& to);
  void describe(std::string& to);
  void execute(std::string& to);
  void simple_query(std::string_view body, std::string& to);
  pg_reply reply_to(const pg_statement& asked);
  void finish(const pg_reply& with, std::string& to);

  executor execute_;
  std::string unread_;
  bool started_ = false;
  bool skipping_ = false;  // a failure: everything up to Sync
  state state_ = state::open;
  char transaction_ = 'I';
  std::map<std::string, std::string, std::less<>> statements_;
  pg_statement bound_;
  std::optional<pg_reply> bound_reply_;
};

}  // namespace assay::testing::detail
