// A handler asked without a network.
//
//   const testing::answer got = world.run(testing::ask(serve, {.target = "/items/7"}));
//   EXPECT_EQ(got.status, 200);
//
// What the server itself does is not there: no limits of bodies, no deadline of its own, no parsing.
//
// Misuse: a handler that upgrades; it needs a connection.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stack/http/handler.hpp"

namespace assay::testing {

struct question {
  http::method verb = http::method::get;
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};
};

struct answer {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::string body = {};    // of a stream: all its pieces
  std::string reason = {};  // http::response::reason
  bool cut = false;         // the stream failed before its end

  // The first of that name, in any case; empty when it is not there.
  std::string header(std::string_view name) const;
};

task<answer> ask(http::handler serve, question asked);

}  // namespace assay::testing
