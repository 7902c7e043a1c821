#include "stack/guard/evidence.hpp"

namespace assay::guard {

evidence judge(const result<http::client_response>& outcome, const judging& by, duration had) {
  if (outcome) return by.count_5xx && outcome->status >= 500 ? evidence::failure : evidence::success;
  switch (outcome.error().code) {
    case errc::timed_out:
      return had < by.fair_wait ? evidence::none : evidence::failure;
    case errc::closed:
    case errc::reset:
    case errc::refused:
    case errc::unreachable:
    case errc::protocol:
      return evidence::failure;
    case errc::cancelled:         // nobody waits for the answer any more
    case errc::limit:             // our own: of waiters, or of the size of an answer
    case errc::invalid_argument:  // nothing was sent
    case errc::no_descriptors:
    case errc::no_memory:
    case errc::address_in_use:
    case errc::permission:
    case errc::unresolved:
    case errc::unsupported:
    case errc::system:
      return evidence::none;
  }
  return evidence::none;
}

}  // namespace assay::guard
