#include "stack/runtime/error.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>

namespace assay {

std::string_view label(errc code) {
  switch (code) {
    case errc::timed_out:
      return "timed_out";
    case errc::cancelled:
      return "cancelled";
    case errc::closed:
      return "closed";
    case errc::reset:
      return "reset";
    case errc::refused:
      return "refused";
    case errc::unreachable:
      return "unreachable";
    case errc::address_in_use:
      return "address_in_use";
    case errc::unresolved:
      return "unresolved";
    case errc::limit:
      return "limit";
    case errc::no_descriptors:
      return "no_descriptors";
    case errc::no_memory:
      return "no_memory";
    case errc::permission:
      return "permission";
    case errc::protocol:
      return "protocol";
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::unsupported:
      return "unsupported";
    case errc::system:
      return "system";
  }
  return "system";
}

std::string_view label(cancel_reason reason) {
  switch (reason) {
    case cancel_reason::none:
      return "none";
    case cancel_reason::deadline:
      return "deadline";
    case cancel_reason::peer_closed:
      return "peer_closed";
    case cancel_reason::shutdown:
      return "shutdown";
    case cancel_reason::overload:
      return "overload";
    case cancel_reason::sibling_failed:
      return "sibling_failed";
    case cancel_reason::user:
      return "user";
  }
  return "none";
}

std::string describe(const error& failure) {
  std::string text(failure.what);
  if (!text.empty()) text += ": ";
  text += label(failure.code);
  if (failure.reason != cancel_reason::none) {
    text += " (";
    text += label(failure.reason);
    text += ')';
  }
  if (failure.system_errno != 0) {
    text += ": ";
    text += std::generic_category().message(failure.system_errno);
  }
  return text;
}

static errc classify(int positive_errno) {
  switch (positive_errno) {
    case ETIMEDOUT:
      return errc::timed_out;
    case ECANCELED:
      return errc::cancelled;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
      return errc::reset;
    case ECONNREFUSED:
      return errc::refused;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
      return errc::unreachable;
    case EADDRINUSE:
      return errc::address_in_use;
    case EMFILE:
    case ENFILE:
      return errc::no_descriptors;
    case ENOMEM:
    case ENOBUFS:
      return errc::no_memory;
    case EACCES:
    case EPERM:
      return errc::permission;
    case EINVAL:
      return errc::invalid_argument;
    case ENOSYS:
    case EOPNOTSUPP:
      return errc::unsupported;
    default:
      return errc::system;
  }
}

error from_errno(int positive_errno, const char* what) {
  return error{.code = classify(positive_errno), .system_errno = positive_errno, .what = what};
}

int http_status(const error& failure) {
  switch (failure.code) {
    case errc::timed_out:
      return 504;
    case errc::limit:
    case errc::no_descriptors:
    case errc::no_memory:
      return 503;
    case errc::cancelled:
      return failure.reason == cancel_reason::overload ? 503 : 499;
    // What we need is away, or went while we asked: the same as when a breaker knows that already.
    case errc::closed:
    case errc::reset:
    case errc::refused:
    case errc::unreachable:
    case errc::unresolved:
      return 503;
    case errc::protocol:
      return 502;
    case errc::invalid_argument:
      return 400;
    case errc::unsupported:
      return 501;
    case errc::address_in_use:
    case errc::permission:
    case errc::system:
      return 500;
  }
  return 500;
}

}  // namespace assay
