// Listens to one event stream over many connections: how long until the first event of each, how long between two, and
// how often the stream had to be taken up again.
//
// The clock starts with the first connection; connection i is meant to be opened i / connects_per_s later, and its time
// to the first event counts from then, however late it got its turn. A stream that ends is taken up again after the
// pause that the server asks for, with Last-Event-ID; silence has no limit, and shows in the gaps.
//
// Misuse: reading the gaps of a server that sends when it has something to say for its speed. They measure a server
// that promises a pace.
#pragma once

#include <memory>
#include <vector>

#include "lab/load/recorder.hpp"
#include "lab/load/run_parts.hpp"
#include "lab/load/stream_load.hpp"
#include "lab/load/stream_options.hpp"
#include "stack/http/event_parser.hpp"
#include "stack/http/reader.hpp"
#include "stack/runtime/scope.hpp"

namespace assay::load {

class event_generator final : public stream_load {
 public:
  event_generator(loop& on, const stream_plan& plan, const socket_address& to, stream_counters& live);
  ~event_generator() override;

  // Nothing: connecting is part of what is measured.
  task<result<void>> connect() override;
  task<void> run(instant start) override;
  void stop() override;
  void write_to(model::stream_result& into) const override;
  std::uint64_t memory_at_end() const override { return memory_at_end_; }

 private:
  struct listener {
    explicit listener(net::stream opened) : stream(std::move(opened)), reader(stream, http::head_kind::response, {}) {}
    net::stream stream;
    http::message_reader reader;
  };
  // One of the connections asked for; what is open of it comes and goes.
  struct follower {
    std::uint32_t index = 0;
    std::unique_ptr<listener> on;
    http::event_parser parser;
    instant asked_at{};  // when it was meant to be opened
    instant last_at{};   // the last event, or the opening
    bool has_event = false;
    bool was_open = false;
  };
  struct end_timer : timer_node {
    explicit end_timer(event_generator* self) : timer_node(&on_time), owner(self) {}
    static void on_time(timer_node& node) noexcept { static_cast<end_timer&>(node).owner->finish(); }
    event_generator* owner;
  };

  task<void> follow(follower& by);
  task<result<void>> open(follower& by, instant began);
  task<result<void>> read_head(listener& on, instant limit);
  task<error> listen(follower& by);
  std::optional<error> take(follower& by, std::string_view piece);
  void on_event(follower& by);
  void close(follower& by, const error& why);
  void count(const error& why);
  std::string request_of(const follower& by) const;
  duration pause_of(const follower& by) const;
  void finish();
  void conclude(model::stream_result& into) const;

  loop& on_;
  const stream_plan& plan_;
  socket_address to_;
  stream_counters& live_;
  std::vector<std::unique_ptr<follower>> followers_;
  end_timer ends_;
  instant start_{};
  instant end_{};
  bool over_ = false;
  scope* running_ = nullptr;

  observe::histogram connect_time_ = observe::histogram::with_defaults();
  observe::histogram answer_time_ = observe::histogram::with_defaults();
  observe::histogram first_event_ = observe::histogram::with_defaults();
  observe::histogram gap_ = observe::histogram::with_defaults();
  run_parts gap_parts_;  // by when a gap ended
  observe::histogram open_gap_ = observe::histogram::with_defaults();
  observe::histogram own_lag_ = observe::histogram::with_defaults();  // of the openings
  observe::histogram receive_lag_ = observe::histogram::with_defaults();
  std::array<std::uint64_t, failure_kinds> errors_{};
  duration longest_silence_{};
  std::uint64_t open_ = 0;
  std::uint64_t connects_ = 0;
  std::uint64_t reconnects_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t received_bytes_ = 0;
  std::uint64_t open_at_end_ = 0;
  std::uint64_t memory_at_end_ = 0;
};

}  // namespace assay::load
