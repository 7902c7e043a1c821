#include "stack/guard/evidence.hpp"

#include <utility>

namespace assay::guard {
namespace {

class watched_sink final : public http::body_sink {
 public:
  explicit watched_sink(http::body_sink& to) : to_(to) {}
  task<result<void>> write(std::string_view piece) override {
    const result<void> written = co_await to_.write(piece);
    failed_ = failed_ || !written;
    co_return written;
  }
  bool failed() const { return failed_; }

 private:
  http::body_sink& to_;
  bool failed_ = false;
};

using producer = task_function<task<result<void>>(http::body_sink&)>;

// One that was cancelled was stopped by what happened at the host, or by the caller.
task<result<void>> produce_watched(std::shared_ptr<bool> spoiled, const producer* produce, http::body_sink& to) {
  watched_sink sink(to);
  const result<void> produced = co_await (*produce)(sink);
  *spoiled = !produced && !sink.failed() && produced.error().code != errc::cancelled;
  co_return produced;
}

}  // namespace

watched_producer::watched_producer(http::client_request& of) {
  if (!of.stream) return;
  spoiled_ = std::make_shared<bool>(false);
  of.stream = [spoiled = spoiled_, produce = std::move(of.stream)] ASSAY_CORO_WRAPPER(http::body_sink & to) {
    return produce_watched(spoiled, &produce, to);
  };
}

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
