// What a connection does when it leaves HTTP.
#include <utility>

#include "stack/http/connection.hpp"
#include "stack/http/response_head.hpp"

namespace assay::http::detail {

void connection::begin_upgrade(response& reply) {
  append_response_head(writer_.buffer(), reply,
                       {.keep = true,
                        .chunked = false,
                        .with_length = false,
                        .upgrade = true,
                        .version_minor = 1,
                        .date = date_field()});
  upgrade_ = std::move(reply.upgrade);
}

task<void> connection::serve_upgraded() {
  flush();
  upgraded peer(stream_, writer_, reader_);
  handed_over_ = &peer;
  if (shared_.draining) peer.drain();
  try {
    co_await upgrade_(peer);
  } catch (...) {  // a bug in the service
    report_bug(nullptr);
  }
  handed_over_ = nullptr;
  lingers_ = peer.lingers();
}

}  // namespace assay::http::detail
