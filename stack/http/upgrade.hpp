// A connection that has left HTTP: behind "101 Switching Protocols" its bytes are another protocol's.
//
//   task<void> echo(http::upgraded& peer);         // until it returns, the connection is its own
//
//   http::response reply;
//   reply.status = 101;
//   reply.headers = {{"upgrade", "echo"}};
//   reply.upgrade = echo;
//
// The function begins when the answer's head is on its way and the handler, with its request, is gone: what it needs of
// them goes by value. It ends with the connection's cancellation: a failure to send, or the end of a server's drain.
// The server goes on as it does after any response: what the function left unsent is sent, the writer stopped, the
// stream closed. stack/http/websocket is written on this.
//
// Misuse: reading from the stream before take_early(). A client may send its first bytes together with its request.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "stack/http/reader.hpp"
#include "stack/net/stream.hpp"
#include "stack/net/writer.hpp"
#include "stack/runtime/task_function.hpp"

namespace assay::http {

class upgraded {
 public:
  // The server's.
  upgraded(net::stream& stream, net::writer& writer, message_reader& reader)
      : stream_(stream), writer_(writer), reader_(reader) {}
  upgraded(const upgraded&) = delete;
  upgraded& operator=(const upgraded&) = delete;

  net::stream& stream() { return stream_; }
  net::writer& writer() { return writer_; }
  // What was received behind the request's head; once.
  std::string take_early() { return reader_.take_buffered(); }

  // `hear` is called once, on the loop's thread, when the server is asked to stop; at once when it has been. After
  // server_limits::drain_timeout whoever is still here is cancelled. nullptr: nobody listens any more.
  void on_drain(std::move_only_function<void()> hear) {
    hear_ = std::move(hear);
    tell();
  }
  // The peer may still be sending when the function returns: its bytes are read and dropped for a while, or the reset
  // that they meet would take our last ones away from it.
  void linger() { lingers_ = true; }

  // The server's.
  void drain() {
    draining_ = true;
    tell();
  }
  bool lingers() const { return lingers_; }

 private:
  void tell() {
    if (draining_ && hear_) std::exchange(hear_, nullptr)();
  }

  net::stream& stream_;
  net::writer& writer_;
  message_reader& reader_;
  std::move_only_function<void()> hear_;
  bool draining_ = false;
  bool lingers_ = false;
};

using upgrade_function = task_function<task<void>(upgraded&)>;

}  // namespace assay::http
