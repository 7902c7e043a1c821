// What a connection hears of its client while a request is served: that it has left, or asks for more already.
#include <utility>

#include "stack/http/connection.hpp"

namespace assay::http::detail {

// While a body is still to come, whoever reads it hears of the end.
void connection::watch_client() {
  if (service_waits_ && reader_.body_ended()) departure_watch_.begin();
}

void connection::departure_watch::begin() {
  wanted = true;
  if (!started) start();  // else as soon as the last one is told
}

void connection::departure_watch::end() {
  if (!std::exchange(wanted, false) || !started || stale) return;
  if (served.stream_.backend().withdraw(*this)) {
    started = false;
    return;
  }
  stale = true;
  take();  // complete, and not told yet: the reader goes on before it would be
}

void connection::departure_watch::start() {
  if (served.reader_.has_buffered()) return;
  started = !served.stream_.backend().recv(served.stream_.socket(), *this);
  if (!started) take();
}

void connection::departure_watch::take() {
  if (status > 0) {
    served.reader_.add_received({received.bytes.data(), received.bytes.size()});
    return served.stream_.backend().release(received);
  }
  if (status == 0 && served.shared_.limits.serve_half_closed) return;
  if (!std::exchange(wanted, false)) return;  // it was served: whoever reads on hears it again
  served.shared_.counters.departures++;
  served.cancel_.cancel(cancel_reason::peer_closed);
}

void connection::departure_watch::on_complete(ready_node& node) noexcept {
  auto& self = static_cast<departure_watch&>(node);
  self.started = false;
  if (!std::exchange(self.stale, false)) return self.take();
  if (self.wanted) self.start();  // the next request waits already
}

}  // namespace assay::http::detail
