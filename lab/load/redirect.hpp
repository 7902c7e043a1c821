// Where an answer sends a request on to, and what is sent there (RFC 9110, 15.4; RFC 3986, 5): its path is resolved
// against the target that was asked for, and it is followed to the same origin alone, by the Host that was sent.
//
//   redirect_chain chain(request, verb, most);
//   while (chain.next(got, location)) got = (send chain.request());
//
// 303, and 301 or 302 in answer to a POST, go on as a GET without the body; else method and body are sent again.
// HEAD stays HEAD.
//
// Misuse: a request that http::append_request() has not written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lab/load/answer_checks.hpp"
#include "stack/http/message.hpp"

namespace assay::load {

inline constexpr unsigned max_redirects = 20;

// Of those that say where to: 301, 302, 303, 307, 308.
bool is_redirect(int status);

// The target at the same origin that a Location means; nothing when it is elsewhere or cannot be asked for.
std::optional<std::string> target_of(std::string_view location, std::string_view host, std::string_view target);

class redirect_chain {
 public:
  // Of a request that was sent with these bytes, at most `most` redirects are followed.
  redirect_chain(std::string_view request, http::method verb, unsigned most);

  // True: request() is to be sent next. False: this answer is the last; a redirect that is not followed has failed, by
  // failure_kind::redirects beyond `most` of them and redirect_elsewhere where it leads away. Without a Location it is
  // an answer like any other.
  bool next(answer& got, std::string_view location);
  std::string_view request() const { return request_; }
  std::string_view target() const;
  http::method verb() const { return verb_; }
  // Once more, where the server had closed the connection: as the first request may, or as a GET or HEAD.
  bool may_resend(bool first_may) const {
    return first_may || verb_ == http::method::get || verb_ == http::method::head;
  }
  // A line "Cookie: ...\r\n", or none, in place of what the request had.
  void set_cookies(std::string_view line);

 private:
  void send_to(std::string_view target, bool as_get);

  std::string request_;
  http::method verb_;
  unsigned left_;
};

}  // namespace assay::load
