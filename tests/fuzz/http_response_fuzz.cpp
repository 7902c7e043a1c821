// Fuzzes parse_response_head and the body behind it: as for requests, and the framing that the head announces
// is followed to its end as a client would, so that a head which lies about its body is seen through too.
#include <string>

#include "stack/http/chunked.hpp"
#include "tests/fuzz/http_fuzz_support.hpp"

namespace {

using namespace assay;

void check_response(const http::response_head& response, http::method request_method, std::string_view head) {
  fuzz::check(fuzz::lies_inside(response.reason, head), "the reason lies inside the head");
  fuzz::check(response.status >= 100 && response.status <= 999, "a status has three digits");
  fuzz::check_headers(response.headers, head);
  const bool tunnel = request_method == http::method::connect && response.status / 100 == 2;
  if (!tunnel) fuzz::check_one_framing(response.headers);  // there RFC 9112 says to ignore both fields
  const http::body_kind kind = response.body.kind;
  if (request_method == http::method::head) fuzz::check(kind == http::body_kind::none, "HEAD is answered without body");
  if (kind == http::body_kind::until_close) fuzz::check(!response.keep_alive, "until_close closes");
  fuzz::check((kind == http::body_kind::length) == (response.body.length != 0), "length has a length");
}

void check_reparses(const http::response_head& response, http::method request_method) {
  std::string text = "HTTP/1." + std::to_string(response.version_minor) + " " + std::to_string(response.status) + " ";
  text.append(response.reason).append("\r\n");
  fuzz::write_headers(response.headers, text);
  http::response_head again;
  const http::parse_limits roomy{.max_head_bytes = 1 << 20};
  fuzz::check(http::parse_response_head(text, request_method, roomy, again).has_value(), "what was read reads again");
  fuzz::check(again.status == response.status && again.reason == response.reason &&
                  again.keep_alive == response.keep_alive && again.upgrade == response.upgrade &&
                  again.body.kind == response.body.kind && again.body.length == response.body.length,
              "the same response after writing and reading again");
  fuzz::check_same_headers(again.headers, response.headers);
}

// Decodes a chunked body in pieces; each view must lie in the piece it came from.
void follow_chunked(std::string_view body) {
  http::chunked_decoder decoder;
  fuzz::cutter cuts(body);
  while (!body.empty()) {
    const fuzz::exact_copy piece(body.substr(0, cuts.next(body.size())));
    std::string_view left = piece.view();
    while (!left.empty()) {
      const http::chunk_piece step = decoder.feed(left);
      fuzz::check(step.consumed <= left.size(), "no more is consumed than there is");
      fuzz::check(fuzz::lies_inside(step.payload, left.substr(0, step.consumed)), "payload lies in what is consumed");
      if (step.state == http::chunk_state::done || step.state == http::chunk_state::error) return;
      left.remove_prefix(step.consumed);
    }
    body.remove_prefix(piece.view().size());
  }
}

void run(std::string_view input, http::method request_method, const http::parse_limits& limits) {
  const fuzz::exact_copy bytes(input);
  const auto head_bytes = fuzz::agreed_head_bytes(http::head_kind::response, limits, bytes.view());
  static http::response_head response;
  (void)http::parse_response_head(bytes.view(), request_method, limits, response);
  if (!head_bytes || *head_bytes == 0) return;
  const fuzz::exact_copy head(input.substr(0, *head_bytes));
  if (!http::parse_response_head(head.view(), request_method, limits, response)) return;
  check_response(response, request_method, head.view());
  check_reparses(response, request_method);
  if (response.body.kind == http::body_kind::chunked) follow_chunked(input.substr(*head_bytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const http::method request_method : {http::method::get, http::method::head, http::method::connect}) {
    run(input, request_method, {});
  }
  run(input, http::method::get, {.max_head_bytes = 96, .max_target_bytes = 16, .max_header_fields = 3});
  return 0;
}
