// Fuzzes head_scanner and parse_request_head: no cut changes the verdict, no view leaves the head, and what
// was accepted is still accepted, and the same, when it is written out again.
#include <string>

#include "tests/fuzz/http_fuzz_support.hpp"

namespace {

using namespace assay;

void check_request(const http::request_head& request, std::string_view head) {
  for (const std::string_view view : {request.method_text, request.target, request.host}) {
    fuzz::check(fuzz::lies_inside(view, head), "a view lies inside the head");
  }
  fuzz::check(!request.target.empty(), "a target is not empty");
  fuzz::check_headers(request.headers, head);
  fuzz::check_one_framing(request.headers);
  fuzz::check(request.headers.count("host") == 1 || request.version_minor == 0, "HTTP/1.1 has one Host");
  fuzz::check(request.body.kind != http::body_kind::until_close, "a request never ends with its connection");
  fuzz::check((request.body.kind == http::body_kind::length) == (request.body.length != 0), "length has a length");
}

// A larger limit than the parse it repeats: what is written may be longer by the spaces that were trimmed away.
void check_reparses(const http::request_head& request) {
  std::string text;
  text.append(request.method_text).append(" ").append(request.target).append(" HTTP/1.");
  text.append(std::to_string(request.version_minor)).append("\r\n");
  fuzz::write_headers(request.headers, text);
  http::request_head again;
  const http::parse_limits roomy{.max_head_bytes = 1 << 20};
  fuzz::check(http::parse_request_head(text, roomy, again).has_value(), "what was read reads again");
  fuzz::check(again.verb == request.verb && again.target == request.target && again.host == request.host &&
                  again.keep_alive == request.keep_alive && again.upgrade == request.upgrade &&
                  again.expect_continue == request.expect_continue && again.body.kind == request.body.kind &&
                  again.body.length == request.body.length,
              "the same request after writing and reading again");
  fuzz::check_same_headers(again.headers, request.headers);
}

void run(std::string_view input, const http::parse_limits& limits) {
  const fuzz::exact_copy bytes(input);
  const auto head_bytes = fuzz::agreed_head_bytes(http::head_kind::request, limits, bytes.view());
  // The scanner's word is no condition of safety: all the bytes, and exactly the head if there is one.
  static http::request_head request;
  (void)http::parse_request_head(bytes.view(), limits, request);
  if (!head_bytes || *head_bytes == 0) return;
  const fuzz::exact_copy head(input.substr(0, *head_bytes));
  if (!http::parse_request_head(head.view(), limits, request)) return;
  check_request(request, head.view());
  check_reparses(request);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  run(input, {});
  run(input, {.max_head_bytes = 96, .max_target_bytes = 16, .max_header_fields = 3});
  return 0;
}
