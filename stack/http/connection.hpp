// One server connection: reads requests, runs the handler, writes responses in
// order. Internal to the server.
//
// Misuse: none from outside; server.cpp owns it inside the connection's
// coroutine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "stack/http/reader.hpp"
#include "stack/http/server.hpp"
#include "stack/net/writer.hpp"

namespace assay::http::detail {

// What the connections of one server share.
struct shared_state {
  handler serve;
  server_limits limits;
  refusal_listener on_refused;
  server_counters counters;
  bool draining = false;
  // The Date field, made once a second.
  std::string date_field;
  std::int64_t date_second = -1;
};

class connection : public list_node {
 public:
  connection(shared_state& shared, context& parent, net::stream from);

  // Serves requests until no more will follow.
  task<void> run();
  // Then, when the last of them asked for another protocol: speaks that, under own_context().
  bool leaves_http() const { return static_cast<bool>(upgrade_); }
  task<void> serve_upgraded();
  context& own_context() { return ctx_; }
  // At last: sends what is left; everything that was started has ended then.
  task<void> finish();

  // A server that drains: an idle connection ends now, a busy one after its
  // response; one that was handed over is told.
  void end_when_idle();
  // Cuts it in the middle.
  void cut(cancel_reason why) { cancel_.cancel(why); }

 private:
  class incoming;
  class streamed_body;
  template <class T>
  struct service_run;
  // Waiting for a client to take what was sent ends with the connection's
  // cancellation, not with write_timeout.
  struct write_stopper : cancel_node {
    explicit write_stopper(net::writer& to_stop) : cancel_node(&on_cancel), writer(to_stop) {}
    static void on_cancel(cancel_node& node, cancel_reason why) noexcept {
      static_cast<write_stopper&>(node).writer.give_up(why);
    }
    net::writer& writer;
  };

  // Hears a client leave while its request is served and nobody else receives. One receive is pending meanwhile; what
  // comes instead of the end, the next request already, is the reader's, and ends the watch: it looks no further ahead.
  // Neither begin() nor end() waits, so it costs no turn of the loop.
  struct departure_watch : recv_op {
    explicit departure_watch(connection& of) : recv_op(&on_complete), served(of) {}
    static void on_complete(ready_node& node) noexcept;
    void begin();
    void end();
    // Its receive is nowhere any more: it may go.
    bool settled() const { return !started; }
    void start();
    void take();
    connection& served;
    bool wanted = false;   // a request is being served
    bool started = false;  // the receive is pending, or complete and not yet told
    bool stale = false;    // it belongs to a request that has been served
  };

  task<bool> serve_one(std::string_view head_bytes);
  task<response> run_handler(incoming& asked);
  task<bool> answer(incoming& asked, response& reply);
  void begin_upgrade(response& reply);
  task<result<bool>> send_streamed(incoming& asked, response& reply);
  static bool sends_body(const incoming& asked, const response& reply);
  bool append_head(const incoming& asked, const response& reply);
  bool can_send(const incoming& asked, const response& reply) const;
  bool can_keep(const incoming& asked, const response& reply) const;
  bool can_skip_body(const incoming& asked) const;
  task<bool> skip_body();
  task<void> refuse_head(const error& why);
  // `sentence` is for whoever reads the answer.
  void refuse(refusal as, std::string_view sentence);
  void report_bug(const request* asked, const std::optional<error>& failure = {}) const;  // none: it has left HTTP
  task<void> end();
  task<void> linger();
  void on_write_failure();
  void on_service_waits();
  void on_service_ends();
  void watch_client();
  bool over_limit() const;
  task<bool> wait_for_room();
  void flush();
  instant from_now(duration span) const;
  std::string_view date_field();

  shared_state& shared_;
  cancel_scope cancel_;           // of everything on this connection
  cancel_scope* idle_ = nullptr;  // of waiting for the next request only, while run() does
  context ctx_;
  net::stream stream_;
  message_reader reader_;
  net::writer writer_;
  write_stopper write_stopper_;
  departure_watch departure_watch_;
  std::uint64_t served_ = 0;
  bool busy_ = false;                // a request is in progress, or its answer has not left in full
  bool answer_begun_ = false;        // the head of the final response is written: too
                                     // late for "100 Continue"
  bool service_waits_ = false;       // the handler, or the stream behind its answer, has waited and goes on
  bool lingers_ = false;             // the client may still be sending what we will not read
  upgrade_function upgrade_;         // what the connection is handed to once its request is done
  upgraded* handed_over_ = nullptr;  // while that runs
};

}  // namespace assay::http::detail
