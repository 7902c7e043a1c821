#include "stack/testing/ask.hpp"

#include <cassert>

namespace assay::testing {
namespace {

class asked_request final : public http::request {
 public:
  explicit asked_request(const question& of) : unread_(of.body) {
    head_.verb = of.verb;
    head_.method_text = http::to_string_view(of.verb);
    head_.target = of.target;
    head_.host = "test";
    head_.keep_alive = true;
    if (!of.body.empty()) head_.body = {.kind = http::body_kind::length, .length = of.body.size()};
    for (const auto& [name, value] : of.headers) {
      const bool fits = head_.headers.push_back({.name = name, .value = value});
      assert(fits && "no more than max_header_fields");
      std::ignore = fits;
    }
  }
  task<result<std::string_view>> read() override { co_return std::exchange(unread_, {}); }

 private:
  std::string_view unread_;
};

class collected_body final : public http::body_sink {
 public:
  explicit collected_body(std::string& into) : into_(into) {}
  task<result<void>> write(std::string_view piece) override {
    into_.append(piece);
    co_return result<void>{};
  }

 private:
  std::string& into_;
};

}  // namespace

std::string answer::header(std::string_view name) const {
  for (const auto& [known, value] : headers) {
    if (http::equals_ignoring_case(known, name)) return value;
  }
  return {};
}

task<answer> ask(http::handler serve, question asked) {
  asked_request request(asked);
  http::response reply = co_await serve(request);
  assert(!reply.upgrade && "an upgrade needs a connection");
  answer got{.status = reply.status,
             .headers = std::move(reply.headers),
             .body = std::move(reply.body),
             .reason = std::string(reply.reason)};
  if (!reply.content_type.text().empty()) got.headers.emplace_back("content-type", reply.content_type.text());
  if (reply.stream) {
    collected_body sink(got.body);
    const result<void> produced = co_await reply.stream(sink);
    got.cut = !produced;
  }
  co_return got;
}

}  // namespace assay::testing
