// What was abandoned here is not to go on in the server: it is asked to cancel, by libpq's own means, which block. So
// that is done on a thread, and nobody waits for it; statement_timeout is there for when it fails.
#include <libpq-fe.h>

#include <array>
#include <chrono>
#include <memory>

#include "stack/data/connection.hpp"

namespace assay::data {
namespace {

// What has waited longer for its turn is not asked for: by then the server that it was for is away, and those behind it
// are for one that is not.
constexpr std::chrono::seconds longest_in_line{5};

// Of the process, and for ever: a server that is frozen holds up whoever asks it, and would hold up the program's end.
offload_pool& cancellers() {
  static offload_pool& pool = *new offload_pool({.threads = 2, .max_queued = 256});
  return pool;
}

struct free_cancel {
  void operator()(PGcancel* held) const noexcept { PQfreeCancel(held); }
};

}  // namespace

void connection::cancel_in_server() noexcept {
  std::unique_ptr<PGcancel, free_cancel> request(PQgetCancel(held_.get()));
  if (request == nullptr) return;
  // What the line has no room for is not asked for.
  std::ignore = cancellers().post([request = std::move(request), since = std::chrono::steady_clock::now()] {
    if (std::chrono::steady_clock::now() - since > longest_in_line) return;
    std::array<char, 256> why{};
    std::ignore = PQcancel(request.get(), why.data(), static_cast<int>(why.size()));
  });
}

}  // namespace assay::data
