// An HTTP service that answers as the test says: for clients, and for whoever is between.
//
//   testing::fake_service quotes;
//   quotes.on("/quotes/7", {.body = R"({"discount_percent":5})", .takes = 20ms});
//   quotes.on("/quotes/8", {.what = testing::fake_answer::mishap::hangs});
//   guard::exchange ask = guards->around({quotes.as_exchange()});          // without a network
//   serving.spawn(quotes.serve(world.network(), at));                      // or with one
//
// What is not known is 404. What is said of a target holds until something else is.
//
// Misuse: one that goes before what was asked of it has ended.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "stack/guard/layer.hpp"
#include "stack/http/server.hpp"

namespace assay::testing {

struct fake_answer {
  enum class mishap : std::uint8_t {
    none,
    hangs,  // never answers: whoever asked gives up
    fails,  // the connection ends in the middle of the answer
  };
  mishap what = mishap::none;
  int status = 200;
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  duration takes = duration::zero();
};

class fake_service {
 public:
  void on(std::string target, fake_answer with) { known_[std::move(target)] = std::move(with); }

  http::handler as_handler();
  guard::exchange as_exchange();
  // Serves on `network` until it is cancelled.
  task<void> serve(io& network, socket_address at);

  // The targets that were asked for, in order.
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  static task<http::response> reply(fake_service* self, std::string target);
  static task<result<http::client_response>> exchanged(fake_service* self, http::client_request request);
  static task<result<void>> run(http::server* served, net::listener from);

  std::map<std::string, fake_answer> known_;
  std::vector<std::string> asked_;
};

}  // namespace assay::testing
